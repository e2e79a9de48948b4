"""For all tests: laws are tried on the same examples every time, however busy the machine is.

``pytest --hypothesis-profile=default`` looks for new ones.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

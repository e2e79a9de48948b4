"""The S3 server of the components' tests."""

from tests.components.conftest import s3_options, s3_server

__all__ = ["s3_options", "s3_server"]

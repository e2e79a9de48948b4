"""From files to a graph: collect, build, select. `zenconv.project.project` is the way in."""

"""Where nbgrader finds courses and the exchange; the volumes of a course are mounted there."""

import os

c = get_config()  # noqa: F821

# Without a course the server must start all the same.
course = os.environ.get("NBGRADER_COURSEID", "NA")
c.CourseDirectory.course_id = course
c.CourseDirectory.root = f"/srv/nbgrader/{course}"
c.Exchange.root = "/srv/nbgrader/exchange"
c.ExecutePreprocessor.timeout = 300

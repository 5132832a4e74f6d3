"""Settings of every Jupyter server in the image, under a hub or not; a user's own settings come after these."""

c = get_config()  # noqa: F821

c.ServerApp.ip = "0.0.0.0"
c.ServerApp.open_browser = False
# nbgrader's formgrader stands in a frame of the same server; the hub forbids frames by default.
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": "frame-ancestors 'self'"}}
# Homes are network volumes: a trash folder there counts against the quota.
c.FileContentsManager.delete_to_trash = False
# Extensions come with the image.
c.LabApp.extension_manager = "readonly"

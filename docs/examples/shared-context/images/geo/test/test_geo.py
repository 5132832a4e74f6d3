from pathlib import Path


def test_setup():
    assert Path("/etc/stack").read_text().splitlines() == ["lab", "geo"]


def test_context():
    stack = Path("/opt/stack")
    assert (stack / "environments/geo.txt").read_text() == "gdal\n"
    # Its own ignore file counts, and not the one of the root.
    assert (stack / "README.md").exists() and not (stack / "docker").exists()

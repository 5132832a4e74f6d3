import getpass


def test_user():
    assert getpass.getuser() == "student"

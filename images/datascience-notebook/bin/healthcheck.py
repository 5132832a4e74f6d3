#!/usr/bin/python3 -I
"""HEALTHCHECK: whether a Jupyter server of this container answers, whatever its port, prefix or protocol.

Servers leave a file with their address in JUPYTER_RUNTIME_DIR. Its host is of no use here: a server that listens on
all addresses is asked on the loopback one.
"""

import glob
import json
import os
import ssl
import sys
import urllib.request


def main():
    files = glob.glob(os.path.join(os.environ["JUPYTER_RUNTIME_DIR"], "jpserver-*.json"))
    if not files:
        sys.exit("no Jupyter server has started")
    failures = [failure for failure in map(failure_of, files) if failure]
    # A file that a killed server left behind says nothing while another one answers.
    if len(failures) == len(files):
        sys.exit("\n".join(failures))


def failure_of(path):
    with open(path, encoding="utf-8") as file:
        server = json.load(file)
    protocol = "https" if server["secure"] else "http"
    url = f"{protocol}://127.0.0.1:{server['port']}{server['base_url']}api"
    # Its own certificate is for the name users know it by.
    trust_any = ssl._create_unverified_context()
    try:
        # Not through a proxy: the server is in this container.
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust_any)
        )
        with opener.open(url, timeout=5) as answer:
            return None if "version" in json.load(answer) else f"{url}: not a Jupyter server"
    except (OSError, ValueError) as error:
        return f"{url}: {error}"


if __name__ == "__main__":
    main()

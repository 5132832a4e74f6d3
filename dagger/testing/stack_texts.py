"""What both sides of the driver do with texts."""

# Longest text kept of one test's failure or output, in characters: reports stay readable, logs have more.
KEEP = 20_000


def clip(text, keep=KEEP):
    """The text, or its head and its tail where it is longer."""
    return text if len(text) <= keep else text[: keep // 2] + "\n[...]\n" + text[-(keep // 2) :]

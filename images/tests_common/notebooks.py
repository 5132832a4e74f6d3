"""Notebooks as files.

nbformat takes a second to import, and pytest imports every file of tests to run one of them: so it is imported by what
makes or reads a notebook.
"""


def code_cell(source, **metadata):
    from nbformat.v4 import new_code_cell

    return new_code_cell(source, metadata=metadata)


def markdown_cell(source):
    from nbformat.v4 import new_markdown_cell

    return new_markdown_cell(source)


def new_notebook(cells, **kernelspec):
    from nbformat.v4 import new_notebook as made_of

    return made_of(cells=cells, metadata={"kernelspec": kernelspec} if kernelspec else {})


def read_notebook(path):
    import nbformat

    return nbformat.read(path, as_version=4)


def write_notebook(notebook, path):
    import nbformat

    nbformat.write(notebook, path)

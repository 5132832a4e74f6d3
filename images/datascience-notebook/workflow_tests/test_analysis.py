"""A student's analysis from data to figure, as a course would set it."""

import matplotlib
import numpy
import pandas
import statsmodels.formula.api as statistics
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

matplotlib.use("Agg")


def heights():
    random = numpy.random.default_rng(1)
    parent = random.normal(170, 7, 500)
    return pandas.DataFrame({"parent": parent, "child": 85 + 0.5 * parent + random.normal(0, 2, 500)})


def test_regression_finds_the_slope_in_the_data():
    fit = statistics.ols("child ~ parent", heights()).fit()
    assert abs(fit.params["parent"] - 0.5) < 0.05
    assert fit.pvalues["parent"] < 0.001


def test_groups_of_a_table_are_summarised():
    data = heights()
    data["tall"] = data.parent > 170
    means = data.groupby("tall").child.mean()
    assert means[True] > means[False]


def test_classifier_learns_what_can_be_learnt():
    data = heights()
    features, labels = data[["parent"]].to_numpy(), (data.child > 170).to_numpy()
    train, test, train_labels, test_labels = train_test_split(features, labels, random_state=1)
    assert LogisticRegression(max_iter=1000).fit(train, train_labels).score(test, test_labels) > 0.75


def test_figure_is_written_as_pdf(tmp_path):
    axes = heights().plot.scatter(x="parent", y="child")
    axes.figure.savefig(tmp_path / "heights.pdf")
    assert (tmp_path / "heights.pdf").read_bytes().startswith(b"%PDF")

"""Samples: so many rows, in their order, the same ones every time, of every kind of table."""

import sys
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zenconv.engine.sampling import Sample, take_sample
from zenconv.errors import UsageError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1%", "1%"), ("01.50 %", "1.5%"), (".5%", "0.5%"), ("100%", "100%"), ("1000", "1000"), ("007", "7")],
)
def test_a_sample_is_a_share_or_a_number_of_rows_and_spelt_in_one_way(text, expected):
    assert str(Sample.parse(text)) == expected
    assert str(Sample.parse(expected)) == expected


@pytest.mark.parametrize("text", ["", "0", "0%", "101%", "-1", "0.1", "one", "1%%", "1 000", "%", "1e3", "٣"])
def test_anything_else_is_an_error_that_says_what_is_expected(text):
    with pytest.raises(UsageError, match="--sample 1%"):
        Sample.parse(text)


samples = st.one_of(
    st.integers(1, 2000).map(lambda rows: Sample(rows=rows)),
    st.fractions(Fraction(1, 1000), 1, max_denominator=1000).map(Sample),
)


@given(samples, st.integers(0, 5000), st.integers(0, 5))
def test_positions_are_so_many_ascending_and_the_same_every_time(sample, length, seed):
    positions = sample.positions(length, seed)
    if positions is None:
        assert sample.count(length) == length
        return
    assert len(positions) == sample.count(length)
    assert all(0 <= position < length for position in positions)
    assert positions == sorted(set(positions))
    assert positions == sample.positions(length, seed)


def test_another_seed_chooses_others():
    assert Sample(rows=10).positions(10_000, 0) != Sample(rows=10).positions(10_000, 1)


def test_rows_are_chosen_from_everywhere_so_groups_keep_their_share():
    groups = [number // 100 for number in range(1000)]
    chosen = take_sample(groups, "10%", 0)
    assert [chosen.count(group) for group in range(10)] == [10] * 10


def test_no_table_becomes_empty():
    assert Sample.parse("1%").count(5) == 1
    assert Sample.parse("1%").count(0) == 0


def test_lists_of_fewer_than_a_hundred_items_are_taken_for_settings():
    names = [str(number) for number in range(99)]
    assert take_sample(names, "10%", 0) is names
    assert len(take_sample([*names, "last"], "10%", 0)) == 10


@pytest.mark.parametrize("value", [None, 1, 2.5, "text", b"bytes", {"a": 1}, {1, 2}, object(), range(1000)])
def test_what_has_no_rows_comes_back_as_it_is(value):
    taken = take_sample(value, "1%", 0)
    assert taken is value or taken == value


def test_parts_of_one_length_are_sampled_alike():
    rows, labels = take_sample((list(range(1000)), [str(n) for n in range(1000)]), "1%", 0)
    assert [str(row) for row in rows] == labels
    parts = take_sample({"x": list(range(500)), "name": "a"}, "1%", 0)
    assert (len(parts["x"]), parts["name"]) == (5, "a")


def test_names_beside_rows_stay_whole():
    numpy = pytest.importorskip("numpy")
    x, y, names = take_sample((numpy.ones((500, 2)), numpy.arange(500), numpy.array(["a", "b"])), "1%", 0)
    assert (x.shape, y.shape, names.shape) == ((5, 2), (5,), (2,))


def test_a_dataset_of_scikit_learn_stays_one():
    datasets = pytest.importorskip("sklearn.datasets")
    whole = datasets.load_iris()
    taken = take_sample(whole, "10%", 0)
    assert type(taken) is type(whole)
    assert (taken.data.shape, taken.target.shape, len(taken.target_names)) == ((15, 4), (15,), 3)
    assert whole.data.shape == (150, 4)
    assert taken.DESCR == whole.DESCR


def test_a_few_items_of_an_iterator_are_not_none():
    for seed in range(20):
        assert len(list(take_sample(iter(range(5)), "1%", seed))) == 1
    assert list(take_sample(iter(()), "1%", 0)) == []


def test_a_named_tuple_stays_one():
    class Pair(NamedTuple):
        x: list[int]
        y: int

    taken = take_sample(Pair(list(range(200)), 3), "10%", 0)
    assert isinstance(taken, Pair)
    assert (len(taken.x), taken.y) == (20, 3)


@pytest.mark.parametrize(
    ("length", "sample", "expected"), [(1000, "1%", 10), (1000, "30%", 300), (50, "100%", 50)]
)
def test_iterators_are_thinned_out_while_they_are_read(length, sample, expected):
    read = []

    def items():
        for number in range(length):
            read.append(number)
            yield number

    taken = take_sample(items(), sample, 0)
    assert read == []
    first = next(taken)
    assert len(read) == first + 1
    found = [first, *taken]
    assert found == sorted(set(found))
    assert len(found) == expected


def test_a_file_is_more_than_its_lines(tmp_path):
    (tmp_path / "lines.txt").write_text("line\n" * 500)
    with open(tmp_path / "lines.txt") as stream:
        assert take_sample(stream, "1%", 0) is stream


def test_a_number_of_items_of_an_iterator_of_unknown_length():
    found = list(take_sample(iter(range(10_000)), "25", 3))
    assert len(found) == 25
    assert found == sorted(found)
    assert max(found) > 1000
    assert list(take_sample(iter(range(10)), "25", 3)) == list(range(10))


# -- libraries


def test_frames_series_and_indexes_of_pandas():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"x": range(1000), "y": list("ab") * 500}, index=range(5, 1005))
    taken = take_sample(frame, "1%", 0)
    assert (len(taken), list(taken.index)) == (10, [x + 5 for x in taken["x"]])
    assert list(taken.dtypes) == list(frame.dtypes)
    assert list(take_sample(frame["x"], "1%", 0)) == list(taken["x"])
    assert list(take_sample(frame.index, "1%", 0)) == list(taken.index)

    class Table(pd.DataFrame):
        @property
        def _constructor(self):
            return Table

    assert type(take_sample(Table(frame), "1%", 0)) is Table


def test_arrays_by_their_first_dimension():
    np = pytest.importorskip("numpy")
    array = np.arange(2000).reshape(1000, 2)
    taken = take_sample(array, "1%", 0)
    assert taken.shape == (10, 2)
    assert (taken[:, 1] == taken[:, 0] + 1).all()
    single = np.array(5)
    assert take_sample(single, "1%", 0) is single


def test_sparse_matrices_keep_their_format():
    np = pytest.importorskip("numpy")
    sparse = pytest.importorskip("scipy.sparse")
    for kind in ("csr", "csc", "coo", "lil"):
        matrix = sparse.random(1000, 3, density=0.5, format=kind, rng=np.random.default_rng(0))
        taken = take_sample(matrix, "1%", 0)
        assert (taken.shape, taken.format) == ((10, 3), kind)
        assert sparse.issparse(take_sample(sparse.csr_array(matrix), "1%", 0))


def test_tables_and_arrays_of_arrow():
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({"x": list(range(1000))})
    taken = take_sample(table, "1%", 0)
    assert (taken.num_rows, taken.schema) == (10, table.schema)
    assert take_sample(table["x"], "1%", 0).to_pylist() == taken["x"].to_pylist()
    assert take_sample(arrow.array(range(1000)), "1%", 0).to_pylist() == taken["x"].to_pylist()
    assert take_sample(table.to_batches()[0], "1%", 0).num_rows == 10


def test_frames_of_polars_lazy_ones_too():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": range(1000)})
    taken = take_sample(frame, "1%", 0)
    assert taken.height == 10
    assert take_sample(frame["x"], "1%", 0).to_list() == taken["x"].to_list()
    lazy = take_sample(frame.lazy(), "1%", 0)
    assert lazy.collect().equals(taken)


def test_tensors_and_datasets_of_torch():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(2000).reshape(1000, 2)
    taken = take_sample(tensor, "1%", 0)
    assert taken.shape == (10, 2)
    data = torch.utils.data.TensorDataset(tensor)
    part = take_sample(data, "1%", 0)
    assert isinstance(part, torch.utils.data.Subset)
    assert torch.equal(torch.stack([part[i][0] for i in range(len(part))]), taken)


def test_torch_datasets_that_are_streams_come_back_whole():
    torch = pytest.importorskip("torch")

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

    stream = Stream()
    assert take_sample(stream, "1%", 0) is stream


def test_datasets_of_hugging_face():
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"x": list(range(1000))})
    taken = take_sample(datasets.DatasetDict(train=data, test=data.select(range(100))), "1%", 0)
    assert {name: len(part) for name, part in taken.items()} == {"train": 10, "test": 1}
    assert isinstance(taken, datasets.DatasetDict)


def test_sampling_imports_no_library():
    import subprocess

    code = "import sys, zenconv.engine.sampling as s; s.take_sample([0] * 200, '10%', 0); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "pandas", "pyarrow", "torch"} & set(done.stdout.split())

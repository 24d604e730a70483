import numpy as np
import pytest

from aexad.data.training_set import TrainingSet, read_training_set
from aexad.runtime.errors import ConfigError, DataError
from aexad.runtime.files import write_npz
from aexad.training.batches import epoch_batches, pools

CNN = {"encoder": "test_resnet.r160_in1k", "weights": "none", "batch_size": 6}


def normals_only(data):
    return TrainingSet(*(field[:8] for field in data[:-1]), data.size)


def anomalies_only(data):
    return TrainingSet(*(field[8:] for field in data[:-1]), data.size)


def test_an_image_is_in_its_pool_as_often_as_its_weight_says(data):
    normal, anomalous = pools(data, uses_labels=True)
    assert normal.tolist() == list(range(8))
    assert np.bincount(anomalous, minlength=12)[8:].tolist() == [5, 5, 1, 1]


def test_validation_images_are_in_no_pool(data):
    validation = np.isin(np.arange(12), [0, 3, 9])
    normal, anomalous = pools(data._replace(validation=validation), uses_labels=True)
    assert normal.tolist() == [1, 2, 4, 5, 6, 7]
    assert np.bincount(anomalous, minlength=12)[8:].tolist() == [5, 0, 1, 1]


def test_plain_reconstruction_trains_on_normals_alone(data):
    normal, anomalous = pools(data, uses_labels=False)
    assert (len(normal), len(anomalous)) == (8, 0)


def test_a_loss_without_its_images_is_refused(data):
    with pytest.raises(ConfigError, match="no normal images"):
        pools(anomalies_only(data), uses_labels=False)
    with pytest.raises(ConfigError, match="no labelled anomalies"):
        pools(normals_only(data), uses_labels=True)


@pytest.mark.parametrize("batch_size", [6, 16, 32])
@pytest.mark.parametrize("normals", [25, 40, 54])
def test_an_epoch_is_one_pass_over_the_normals_and_a_third_of_each_batch_is_anomalous(
    normals, batch_size
):
    normal, anomalous = np.arange(normals), np.arange(100, 120)
    batches = list(epoch_batches(normal, anomalous, batch_size, seed=0, epoch=1))
    seen = np.concatenate([batch[batch < 100] for batch in batches])
    assert sorted(seen) == list(range(normals))
    for batch in batches[:-1]:
        assert len(batch) == batch_size
    for batch in batches:
        assert (batch >= 100).sum() == pytest.approx(len(batch) / 3, abs=1)


def test_no_anomaly_is_drawn_much_oftener_than_another():
    normal, anomalous = np.arange(200), np.arange(1000, 1007)
    batches = epoch_batches(normal, anomalous, 16, seed=0, epoch=1)
    counts = np.bincount(np.concatenate(list(batches)), minlength=1007)[1000:]
    assert counts.max() - counts.min() <= 1


def test_without_normals_an_epoch_is_one_pass_over_the_anomalies():
    anomalous = np.repeat(np.arange(5), 3)
    batches = list(epoch_batches(np.array([], dtype=int), anomalous, 4, seed=0, epoch=1))
    assert [len(batch) for batch in batches] == [4, 4, 4, 3]
    assert sorted(np.concatenate(batches)) == sorted(anomalous)


def test_the_order_depends_on_seed_and_epoch():
    def order(seed, epoch):
        batches = epoch_batches(np.arange(20), np.arange(20, 25), 6, seed, epoch)
        return np.concatenate(list(batches)).tolist()

    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_a_training_set_is_read_as_it_was_written(tmp_path, data):
    write_npz(tmp_path / "train.npz", data._asdict() | {"size": np.array([data.size])})
    read = read_training_set(tmp_path / "train.npz")
    assert all(np.array_equal(a, b) for a, b in zip(read, data, strict=True))
    assert read.size == 32


def test_a_working_size_is_one_number(tmp_path, data):
    write_npz(tmp_path / "train.npz", data._replace(size=np.array([32, 32]))._asdict())
    with pytest.raises(DataError, match=r"size \[2\]\); make it with 'aexad augment'"):
        read_training_set(tmp_path / "train.npz")


def test_a_file_that_is_no_training_set_is_a_clear_error(tmp_path):
    with pytest.raises(DataError, match="no such file; make it with 'aexad augment'"):
        read_training_set(tmp_path / "train.npz")
    write_npz(tmp_path / "train.npz", {"images": np.zeros(1000)})
    torn = (tmp_path / "train.npz").read_bytes()[:500]
    (tmp_path / "train.npz").write_bytes(torn)
    with pytest.raises(DataError, match="damaged, or without one of the arrays images, masks"):
        read_training_set(tmp_path / "train.npz")


def test_masks_that_are_not_those_of_the_images_are_refused(tmp_path, data):
    path = tmp_path / "train.npz"
    size = np.array([data.size])
    write_npz(path, data._replace(masks=data.masks[1:], size=size)._asdict())
    with pytest.raises(DataError, match=r"train.npz: its arrays differ in length \(.*masks \[11,"):
        read_training_set(path)
    write_npz(path, data._replace(masks=data.masks[:, 1:], size=size)._asdict())
    with pytest.raises(DataError, match=r"images \[12, 32, 32, 3\], masks \[12, 31, 32\]"):
        read_training_set(path)

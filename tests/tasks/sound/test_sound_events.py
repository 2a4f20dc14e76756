"""sound_events: labels, pairs of sounds that differ only in time, valid and invalid recordings."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import soundfile

from harness.errors import UserError
from harness.tasks import Split
from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.sound.frame_wise import fit_and_predict
from harness.tasks.sound.recordings import load_recordings, read_events, read_sound
from harness.tasks.sound.sound_events import SoundEventsOptions, calibrate, examples, facts, identity, make, score, show
from harness.tasks.sound.soundscape import LABELS, RATE, SECONDS, SOUNDS, Event, soundscape
from harness.tasks.sound.spectrogram import frame_labels, frame_seconds, pictured, spectrogram

FEW = SoundEventsOptions(validation_size=4, test_size=5)


def write_wav(path: Path, samples: np.ndarray) -> None:
    soundfile.write(path, samples, RATE, "PCM_16")


def wav(*, data: bytes, announced: int | None = None, channels: int = 1, kind: int = 1) -> bytes:
    """A WAV file's bytes, its header right or not."""
    fmt = struct.pack("<HHIIHH", kind, channels, RATE, RATE * 2 * channels, (2 * channels) % 2**16, 16)
    size = len(data) if announced is None else announced
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 2**32 - 1))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + (b"data" + struct.pack("<I", size) + data)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for name in "abcdef":
        write_wav(tmp_path / f"{name}.wav", generator.uniform(-0.5, 0.5, 12 * RATE))
        (tmp_path / f"{name}.csv").write_text(f"onset,offset,label\n1.0,2.5,dog\n9,11.5,{name}\n")
    return tmp_path


@pytest.mark.parametrize("seed", range(6))
def test_a_soundscape_follows_the_recipe(seed: int) -> None:
    scape = soundscape(np.random.default_rng(seed))
    assert scape.samples.shape == (80_000,)
    assert 1 <= len(scape.events) <= 9
    for event in scape.events:
        assert event.label in LABELS
        assert 0 <= event.onset < event.offset <= SECONDS
        assert 0.49 <= event.offset - event.onset <= 4


def test_events_are_louder_than_the_background() -> None:
    scape = soundscape(np.random.default_rng(3))
    active = np.zeros(len(scape.samples), dtype=bool)
    for event in scape.events:
        active[int(event.onset * RATE) : int(event.offset * RATE)] = True
    assert not active.all()
    assert np.mean(scape.samples[active] ** 2) > 2 * np.mean(scape.samples[~active] ** 2)


def test_chirps_up_and_down_have_the_same_frames_in_the_opposite_order() -> None:
    up, down = (SOUNDS[name](np.random.default_rng(5), RATE * 3) for name in ("chirp_up", "chirp_down"))
    whole = [np.pad(sound, (0, 80_000 - len(sound))) for sound in (up, down)]
    first, second = (np.stack([sound[i : i + 512] for i in range(0, len(up) - 511, 64)]) for sound in whole)
    magnitudes = [np.abs(np.fft.rfft(windows * np.hanning(512))) for windows in (first, second)]
    np.testing.assert_allclose(magnitudes[0], magnitudes[1][::-1], atol=1e-2)
    assert np.abs(spectrogram(whole[0]) - spectrogram(whole[1])).max() > 1


def test_bursts_differ_only_in_their_rate() -> None:
    powers, beginnings = [], []
    for name in ("bursts_slow", "bursts_fast"):
        sound = SOUNDS[name](np.random.default_rng(5), RATE * 4)
        on = np.convolve(sound**2, np.ones(80), mode="same") > 1e-9
        powers.append(np.abs(np.fft.rfft(sound)) ** 2)
        beginnings.append(int(np.sum(on[1:] & ~on[:-1])))
        assert on.mean() == pytest.approx(0.5, abs=0.12)
    smooth = [np.convolve(power, np.ones(2000) / 2000, mode="same")[3000:8000] for power in powers]
    np.testing.assert_allclose(smooth[0], smooth[1], rtol=0.3)
    assert beginnings[0] in (7, 8, 9)
    assert beginnings[1] in (19, 20, 21)


def test_frames_are_labelled_where_the_sound_is() -> None:
    tone = np.zeros(80_000, dtype=np.float32)
    tone[2 * RATE : 5 * RATE] = np.sin(2 * np.pi * 1000 / RATE * np.arange(3 * RATE))
    loud = spectrogram(tone)[:, 63] > 0  # bin 63, the 64th, holds 1000 Hz
    labelled = frame_labels([Event("b", 2, 5)], ("a", "b"))
    assert not labelled[:, 0].any()
    assert np.mean(loud != labelled[:, 1].astype(bool)) < 0.01
    assert labelled[:, 1].sum() * frame_seconds() == pytest.approx(3, abs=0.05)


def test_shapes_are_those_of_the_article_and_inputs_are_standardised() -> None:
    data = make(6, 256, 0, FEW)
    assert data.train.x.shape == (6, 256, 256)
    assert data.train.y.shape == (6, 256, 10)
    assert data.train.x.dtype == np.float32
    np.testing.assert_allclose(data.train.x.mean(axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(data.train.x.std(axis=(0, 1)), 1, atol=1e-2)


def test_validation_and_test_soundscapes_are_the_same_for_all_seeds_and_training_sets_are_nested() -> None:
    one, more, other = make(3, 256, 0, FEW), make(5, 256, 0, FEW), make(3, 256, 1, FEW)
    np.testing.assert_array_equal(one.test.y, other.test.y)
    np.testing.assert_array_equal(one.validation.y, other.validation.y)
    np.testing.assert_array_equal(one.train.y, more.train.y[:3])
    assert not np.array_equal(one.train.y, other.train.y)


def test_a_shorter_length_is_an_excerpt_from_anywhere() -> None:
    whole, excerpts = make(8, 256, 0, FEW).train.y, make(8, 32, 0, FEW).train.y
    places = [
        {at for at in range(225) if np.array_equal(y[at : at + 32], excerpt)}
        for y, excerpt in zip(whole, excerpts, strict=True)
    ]
    assert all(places)
    assert not set.intersection(*places)


def test_cached_soundscapes_equal_computed_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = make(3, 40, 0, FEW)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    for _ in range(2):
        again = make(3, 40, 0, FEW)
        np.testing.assert_array_equal(without.train.x, again.train.x)
        np.testing.assert_array_equal(without.test.y, again.test.y)
    assert len(list(tmp_path.iterdir())) == 4


def test_baselines_without_detections_and_with_single_frames() -> None:
    data = make(30, 256, 0, FEW)
    chance, silent, frame_wise = (data.baselines[name] for name in ("chance", "silent", "frame_wise"))
    assert silent["accuracy"] == pytest.approx(1 - data.test.y.mean())
    assert silent["segment_error_rate"] == 1
    assert frame_wise["loss"] < 0.9 * chance["loss"]
    for name in ("average_precision", "macro_f1", "segment_f1"):
        assert frame_wise[name] > 1.3 * chance[name] > 0, name


def frames(seed: int, soundscapes: int, labels: int = 2) -> Split:
    """Labels: whether two features agree in sign, which is no linear function of them."""
    x = np.random.default_rng(seed).standard_normal((soundscapes, 50, 3)).astype(np.float32)
    agree = (x[..., :1] * x[..., 1:2] > 0).astype(np.float32)
    return Split(x, np.concatenate([agree, 1 - agree], axis=-1)[..., :labels])


@pytest.mark.parametrize("labels", [1, 2])
def test_the_frame_wise_network_is_trained_and_reads_single_frames(labels: int) -> None:
    train, validation, other = frames(0, 60, labels), frames(1, 10, labels), frames(2, 10, labels)
    result = fit_and_predict(train, validation, other.x)
    assert result["others"].shape == other.y.shape
    assert np.mean((result["others"] > 0.5) == other.y) > 0.9
    backwards = fit_and_predict(train, validation, other.x[:, ::-1])["others"]
    np.testing.assert_allclose(backwards[:, ::-1], result["others"], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(result["validation"], fit_and_predict(train, validation, other.x)["validation"])


def test_the_frame_wise_network_uses_the_weights_with_the_lowest_validation_loss() -> None:
    train = frames(0, 2)  # so little that the network soon overfits
    short, long = (frames(1, size) for size in (40, 40))
    result = fit_and_predict(train, short, long.x)
    opposite = Split(short.x, 1 - short.y)
    against = fit_and_predict(train, opposite, long.x)
    assert mean(binary_cross_entropy(opposite.y, against["validation"])) < mean(
        binary_cross_entropy(opposite.y, result["validation"])
    )


def test_the_frame_wise_network_is_trained_once_for_the_same_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    first = make(3, 40, 0, FEW).baselines
    monkeypatch.setattr("harness.tasks.sound.frame_wise.fit_and_predict", lambda *_: pytest.fail("trained again"))
    assert make(3, 40, 0, FEW).baselines == first


def test_thresholds_are_chosen_on_validation_data_and_do_not_affect_the_articles_accuracy() -> None:
    y = np.zeros((1, 100, 1))
    y[0, :20] = 1
    outputs = np.where(y > 0, 0.3, 0.1)
    plain, chosen = score(y, outputs), calibrate(y, outputs)(y, outputs)
    assert (plain["macro_f1"], chosen["macro_f1"]) == (0, 1)
    assert plain["accuracy"] == chosen["accuracy"] == pytest.approx(0.8)


def test_the_example_is_the_same_for_every_seed_and_has_labels_and_detections() -> None:
    options = SoundEventsOptions(validation_size=3, test_size=4)
    shown = []
    for seed in (0, 1):
        data = make(2, 256, seed, options)
        shown.append(show((data.validation, data.validation.y), (data.test, data.test.y), options))
    assert shown[0].there == shown[0].heard == shown[1].there
    kinds = data.test.y.any(axis=1).sum(axis=1)
    assert sum("1" in row for row in shown[0].there) == kinds.max() > 1
    assert shown[0].seconds == 10
    assert {len(row) for row in shown[0].there} == {256}
    silent = show((data.validation, 0 * data.validation.y), (data.test, 0 * data.test.y), options)
    assert not any("1" in row for row in silent.heard)


def test_the_picture_is_small_and_loud_where_the_sound_is() -> None:
    frames = np.zeros((256, 256), np.float32)
    frames[:128, :64] = 1.0
    picture = pictured(frames)
    assert {len(row) for row in picture} == {128}
    assert len(picture) == 64
    assert picture[0] == "0" * 128, "high frequencies above, and silent"
    assert picture[-1] == "f" * 64 + "0" * 64


def test_recordings_are_cut_and_their_events_with_them(folder: Path) -> None:
    recordings = load_recordings(folder)
    assert recordings.labels == ("a", "b", "c", "d", "dog", "e", "f")
    excerpt, rest = recordings.files[0]
    assert excerpt.samples.shape == rest.samples.shape == (80_000,)
    assert excerpt.events == (Event("dog", 1, 2.5), Event("a", 9, 10))
    assert rest.events == (Event("a", 0, 1.5),)
    assert (excerpt.seconds, rest.seconds) == (10, 2)
    write_wav(folder / "g.wav", np.full(19 * RATE, 0.1))
    (folder / "g.csv").write_text("label,onset,offset,remark\ncat,9.5,10.5,both\n")
    first, second = load_recordings(folder).files[6]
    assert (first.events, second.events) == ((Event("cat", 9.5, 10),), (Event("cat", 0, 0.5),))
    assert not second.samples[9 * RATE :].any()


def test_a_folder_of_recordings_is_a_task(folder: Path) -> None:
    options = SoundEventsOptions(folder=folder)
    data = make(8, 128, 0, options)
    assert data.train.y.shape == (8, 128, 7)
    assert len(data.validation.x) == len(data.test.x) == 2
    assert "recordings_sha256" in identity(options)
    with pytest.raises(UserError, match="8 10-second excerpts to train on, fewer than train_size 9"):
        examples(9, 128, options)


def test_nothing_of_a_recording_is_dropped_and_padding_does_not_count(folder: Path) -> None:
    data = make(8, 256, 0, SoundEventsOptions(folder=folder))
    for split in (data.train, data.validation, data.test):
        assert split.weight is not None
        assert sorted(set(split.weight.sum(axis=1).tolist())) == [51, 256]  # 2 of 10 seconds; 51.2 frames
        assert not split.x[split.weight == 0].any()
    x = data.train.x[data.train.weight > 0]
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(x.std(axis=0), 1, atol=1e-2)
    guess = np.where(data.test.weight[..., None] > 0, 0.3, 1.0) * np.ones_like(data.test.y)
    padded = calibrate(data.validation.y, guess, data.validation.weight)(data.test.y, guess, data.test.weight)
    kept = data.test.weight > 0
    alone = score(data.test.y[kept][None], guess[kept][None], thresholds=0.5)
    assert padded["loss"] == pytest.approx(alone["loss"])
    assert padded["accuracy"] == pytest.approx(alone["accuracy"])
    assert padded["average_precision"] == pytest.approx(alone["average_precision"])
    short = make(8, 64, 0, SoundEventsOptions(folder=folder)).train
    assert sorted(set(short.weight.sum(axis=1).tolist())) == [51, 64]


def test_content_of_recordings_that_is_in_no_split_is_counted(folder: Path) -> None:
    (folder / "copy.wav").write_bytes((folder / "a.wav").read_bytes())
    (folder / "copy.csv").write_bytes((folder / "a.csv").read_bytes())
    result = facts(1, 100, SoundEventsOptions(folder=folder, test_size=1))
    assert result.source.endswith(", 6 recordings")
    assert list(result.left_out.values()) == [1, 1, 6 * 156]
    assert facts(1, 256, FEW).left_out == {}


@pytest.mark.parametrize(
    "content",
    [
        b"onset,offset,label\n1,2.5,dog\n",
        b"\xef\xbb\xbfOnset;Offset;Label\r\n1;2.5;dog\r\n",  # Excel
        b"filename\tonset\toffset\tevent_label\na.wav\t1.0\t2.5\tdog\n",  # DCASE
        b'"","onset","offset","label"\n"1",1,2.5,"dog"\n',  # R
        b",onset,offset,label\n0,1,2.5,dog\n",  # pandas
    ],
)
def test_events_as_other_programs_write_them_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert read_events(tmp_path / "a.csv") == (Event("dog", 1, 2.5),)


def test_a_remainder_too_short_for_a_frame_is_no_excerpt(tmp_path: Path) -> None:
    for name, length in (("a", 10 * RATE + 200), ("b", 10 * RATE + 400), ("c", 100)):
        write_wav(tmp_path / f"{name}.wav", np.full(length, 0.1))
        (tmp_path / f"{name}.csv").write_text("onset,offset,label\n0,0.01,dog\n")
    assert [len(file) for file in load_recordings(tmp_path).files] == [1, 2, 1]


@pytest.mark.parametrize(
    ("format", "subtype"),
    [
        *(("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
        *(("WAVEX", subtype) for subtype in ("PCM_16", "PCM_24", "FLOAT")),
        *(("FLAC", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")),
        ("RF64", "PCM_16"),
    ],
)
def test_sounds_of_any_sample_format_are_read(tmp_path: Path, format: str, subtype: str) -> None:
    wanted = 0.5 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE))
    path = tmp_path / ("a.flac" if format == "FLAC" else "a.wav")
    soundfile.write(path, np.stack([wanted * 2, wanted * 0], axis=1) * 0.99, RATE, subtype, format=format)
    np.testing.assert_allclose(read_sound(path), wanted * 0.99, atol=0.01 if "8" in subtype else 1e-4)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24"])
def test_sounds_of_another_rate_are_resampled(tmp_path: Path, subtype: str) -> None:
    wanted = 0.5 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE))
    fast = 0.5 * np.sin(2 * np.pi * 440 / 44_100 * np.arange(44_100))
    soundfile.write(tmp_path / "fast.wav", fast, 44_100, subtype)
    np.testing.assert_allclose(read_sound(tmp_path / "fast.wav")[100:-100], wanted[100:-100], atol=0.02)


def test_what_scipy_writes_is_read(tmp_path: Path) -> None:
    wanted = (0.5 * np.sin(2 * np.pi * 440 / RATE * np.arange(RATE))).astype(np.float32)
    for name, samples in (("float", wanted), ("whole", (wanted * 2**31).astype(np.int32))):
        scipy.io.wavfile.write(tmp_path / f"{name}.wav", RATE, samples)
        np.testing.assert_allclose(read_sound(tmp_path / f"{name}.wav"), wanted, atol=1e-6)


def test_other_chunks_and_unknown_sizes_from_pipes_are_ignored(tmp_path: Path) -> None:
    plain = wav(data=bytes(100))
    listed = plain[:36] + b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + struct.pack("<I", 14) + b"Lavf60.16.100\0"
    (tmp_path / "a.wav").write_bytes(listed + plain[36:] + b"id3 " + struct.pack("<I", 4) + bytes(4))
    (tmp_path / "b.wav").write_bytes(wav(data=bytes(100), announced=2**32 - 1))
    for name in "ab":
        assert len(read_sound(tmp_path / f"{name}.wav")) == 50


def test_where_the_library_is_missing_the_message_names_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(UserError, match=r"a\.wav: reading it needs the package soundfile"):
        load_recordings(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.wav", b"", "is empty, expected a WAV or FLAC file"),
        (
            "a.wav",
            b"RIFF\xff\xff\xff\xffWAVEfmt ",
            r"not a WAV or FLAC file \(Error in WAV file",
        ),
        ("a.wav", b"ID3\x04" + bytes(60), "not a WAV or FLAC file .Format not recognised"),
        (
            "a.wav",
            wav(data=bytes(100), announced=2**30),
            "truncated: header states 1,073,741,824 bytes of samples, found 100",
        ),
        ("a.wav", wav(data=bytes(100), channels=60_000), "not a WAV or FLAC file .Too many channels"),
        ("a.wav", wav(data=bytes(100), kind=3), "not a WAV or FLAC file .Unspecified"),
        ("a.wav", wav(data=b""), "0 seconds of sound, expected more than 0"),
        ("a.csv", b"onset,label\n1,dog\n", "no column 'offset', expected a first line onset,offset,label"),
        ("a.csv", b"", "is empty, expected a CSV file with the columns onset, offset, label"),
        ("a.csv", b"a\0b\n", "a.csv: not UTF-8 text .it has null characters"),
        ("a.csv", b"onset,offset,label\n1000,2000,dog\n", "'dog' begins at 1000 seconds, but a.wav has only 12"),
        ("a.csv", b"onset,offset,label\n1,x,dog\n", "line 2: onset and offset are not numbers"),
        ("a.csv", b"onset;offset;label\n1,5;2,5;dog\n", "line 2: onset and offset are not numbers of seconds"),
        ("a.csv", b"onset,offset,label\n1\n", "line 2: onset and offset are not numbers"),
        ("a.csv", b"onset,offset,label\n2,1,dog\n", "line 2: onset 2 and offset 1, expected 0 <= onset < offset"),
        ("a.csv", b"onset,offset,label\n0,nan,dog\n", "offset nan, expected"),
        ("a.csv", b"onset,offset,label\n0,1,\n", "line 2: no label"),
        ("a.csv", b"onset,offset,label\n0,1,\xff\n", "not UTF-8"),
        ("a.csv", None, "no such file, expected a CSV file with the columns onset, offset, label"),
    ],
)
def test_a_bad_recording_is_named_with_its_fault(folder: Path, name: str, content: bytes | None, said: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        load_recordings(folder)
    assert name in str(caught.value)


def test_folders_without_enough_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        load_recordings(tmp_path / "none")
    with pytest.raises(UserError, match=r"no WAV or FLAC files; .* found nothing"):
        load_recordings(tmp_path)
    for at, name in enumerate("ab"):
        write_wav(tmp_path / f"{name}.wav", np.full(800, at / 2))
        (tmp_path / f"{name}.csv").write_text("onset,offset,label\n0,0.1,dog\n")
    with pytest.raises(UserError, match="2 different recordings are too few, expected at least 3"):
        make(1, 10, 0, SoundEventsOptions(folder=tmp_path))
    with pytest.raises(UserError, match="more than the 256 frames"):
        examples(1, 257, FEW)

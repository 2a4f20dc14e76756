"""Synthetic soundscapes: background noise and events of ten kinds, following the recipe of URBAN-SED.

From Salamon, MacConnell, Cartwright, Li and Bello (2017), "Scaper: a library for soundscape synthesis and
augmentation": 10 seconds, 1 to 9 events of random kinds, 0.5 to 4 seconds each, 6 to 30 dB above a background of brown
noise. In a third of the soundscapes each, onsets are uniform, around the middle, or around two points. The sounds are
synthesised here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from harness.tasks.common.task import Array

RATE = 8000
"""Samples per second."""
SECONDS = 10.0
_FADE = 0.01
Samples: TypeAlias = Array
"""A sound: (time,) of floats at `RATE`."""


class Event(NamedTuple):
    """The label of a sound, and its begin and end in seconds."""

    label: str
    onset: float
    offset: float


class Soundscape(NamedTuple):
    """`SECONDS` of samples, (time,) float32 at `RATE`; their events; the seconds before the padding."""

    samples: Samples
    events: tuple[Event, ...]
    seconds: float = SECONDS


def soundscape(generator: np.random.Generator) -> Soundscape:
    """Ten seconds of background with 1 to 9 events."""
    background = brown_noise(generator, int(RATE * SECONDS))
    samples = background / _loudness(background)
    places = int(generator.integers(3))
    events = []
    for _ in range(generator.integers(1, 10)):
        label = LABELS[generator.integers(len(LABELS))]
        duration = generator.uniform(0.5, 4)
        onset = min(max(_onset(generator, places), 0.0), SECONDS - 0.5)
        duration = min(duration, SECONDS - onset)
        sound = _faded(SOUNDS[label](generator, int(duration * RATE)))
        level = 10 ** (generator.uniform(6, 30) / 20)
        start = int(onset * RATE)
        samples[start : start + len(sound)] += level * sound / _loudness(sound)
        events.append(Event(label, onset, onset + duration))
    return Soundscape(samples.astype(np.float32), tuple(sorted(events, key=lambda event: event.onset)))


def brown_noise(generator: np.random.Generator, length: int) -> Samples:
    """Noise with power proportional to 1 / frequency squared above 20 Hz: (length,)."""
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    return np.fft.irfft(np.where(frequency > 20, spectrum / np.maximum(frequency, 20), 0), length)


def chirp_up(generator: np.random.Generator, length: int) -> Samples:
    """A repeated tone that rises by an octave or more."""
    low = generator.uniform(300, 900)
    climb, period = generator.uniform(2, 3.5), generator.uniform(0.4, 0.8)
    return _tone(low * climb ** (_time(length) / period % 1))


def chirp_down(generator: np.random.Generator, length: int) -> Samples:
    """`chirp_up` reversed in time, which leaves the magnitudes of the spectrum unchanged."""
    return chirp_up(generator, length)[::-1]


def siren(generator: np.random.Generator, length: int) -> Samples:
    """A tone with oscillating frequency."""
    centre, rate = generator.uniform(900, 1800), generator.uniform(1, 3)
    return _tone(centre * (1 + 0.3 * np.sin(2 * np.pi * rate * _time(length))))


def beeps(generator: np.random.Generator, length: int) -> Samples:
    """A tone with oscillating loudness."""
    frequency, rate = generator.uniform(1500, 3000), generator.uniform(2, 6)
    return _tone(np.full(length, frequency)) * (0.5 + 0.5 * np.sin(2 * np.pi * rate * _time(length)))


def hum(generator: np.random.Generator, length: int) -> Samples:
    """A low tone with overtones."""
    frequency = generator.uniform(80, 200)
    return sum((_tone(np.full(length, frequency * k)) / k for k in range(1, 12)), start=np.zeros(length))


def hiss(generator: np.random.Generator, length: int) -> Samples:
    """High-frequency noise."""
    return _band(generator, length, 2500, 3900)


def rumble(generator: np.random.Generator, length: int) -> Samples:
    """Low-frequency noise."""
    return _band(generator, length, 60, 400)


def bursts_slow(generator: np.random.Generator, length: int) -> Samples:
    """Mid-frequency noise in two bursts per second, active half of the time."""
    return _band(generator, length, 600, 2200) * _gate(generator, length, 2)


def bursts_fast(generator: np.random.Generator, length: int) -> Samples:
    """Mid-frequency noise in five bursts per second, active half of the time."""
    return _band(generator, length, 600, 2200) * _gate(generator, length, 5)


def clicks(generator: np.random.Generator, length: int) -> Samples:
    """Short impulses, 6 to 12 per second."""
    train = np.zeros(length)
    train[:: int(RATE / generator.uniform(6, 12))] = 1
    decay = np.exp(-np.arange(80) / 15) * np.sin(2 * np.pi * 1500 / RATE * np.arange(80))
    return np.convolve(train, decay)[:length]


SOUNDS: dict[str, Callable[[np.random.Generator, int], Samples]] = {
    sound.__name__: sound
    for sound in (beeps, bursts_fast, bursts_slow, chirp_down, chirp_up, clicks, hiss, hum, rumble, siren)
}
LABELS = tuple(SOUNDS)


def _onset(generator: np.random.Generator, places: int) -> float:
    """Seconds: anywhere (places 0), around the middle (1), or around two points (2)."""
    if places == 0:
        return generator.uniform(0, SECONDS - 0.5)
    if places == 1:
        return generator.normal(SECONDS / 2, 2)
    return generator.normal(SECONDS * (0.25 if generator.integers(2) else 0.75), 1)


def _time(length: int) -> Samples:
    return np.arange(length) / RATE


def _tone(frequency: Samples) -> Samples:
    return np.sin(2 * np.pi * np.cumsum(frequency) / RATE)


def _band(generator: np.random.Generator, length: int, low: float, high: float) -> Samples:
    spectrum = np.fft.rfft(generator.standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    return np.fft.irfft(np.where((frequency >= low) & (frequency <= high), spectrum, 0), length)


def _gate(generator: np.random.Generator, length: int, rate: float) -> Samples:
    return np.asarray((_time(length) * rate + generator.random()) % 1 < 0.5, dtype=np.float64)


def _faded(sound: Samples) -> Samples:
    fade = min(int(_FADE * RATE), len(sound) // 2)
    ramp = np.ones(len(sound))
    ramp[:fade] = np.arange(fade) / fade
    ramp[len(sound) - fade :] = ramp[:fade][::-1]
    return sound * ramp


def _loudness(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound**2))) or 1.0

"""Audio as bytes, without devices: how long it is, G.711, WAV files.

    formats    what a format is; bytes to milliseconds and back; whole samples
    g711       PCM to mu-law and A-law and back
    wav        files to PCM and back

Everything is mono. Nothing here knows an event, a connection or a clock; only `wav` does I/O,
and it blocks.
"""

from anyrealtime.audio.formats import PCM16_24K, PCMA, PCMU, Format, FormatName, SampleAligner
from anyrealtime.audio.g711 import decode_pcma, decode_pcmu, encode_pcma, encode_pcmu
from anyrealtime.audio.wav import Wav, WavWriter, read_wav, write_wav

__all__ = [
    "PCM16_24K",
    "PCMA",
    "PCMU",
    "Format",
    "FormatName",
    "SampleAligner",
    "Wav",
    "WavWriter",
    "decode_pcma",
    "decode_pcmu",
    "encode_pcma",
    "encode_pcmu",
    "read_wav",
    "write_wav",
]

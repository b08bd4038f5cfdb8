"""Pure helpers for audio bytes: formats, durations, G.711, WAV files. No devices, no I/O but files."""

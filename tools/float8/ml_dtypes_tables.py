"""Writes test/fixtures/float8.json: floats of one byte as ml_dtypes (of JAX) converts them.

`values` has the number of each of the 256 codes. `codes` has, in hexadecimal, the code of each f32 with the bits
0x30000000 + (i << 19) + d, for i from 0 to 767 and d of -1, 0 and 1: all ties and the f32 next to them.
Requires ml_dtypes: python tools/float8/ml_dtypes_tables.py
"""

import json
import pathlib

import ml_dtypes
import numpy

bits = numpy.array([0x30000000 + (i << 19) + d for i in range(768) for d in (-1, 0, 1)], numpy.uint32)
samples = bits.view(numpy.float32)


def table(dtype):
    values = numpy.arange(256, dtype=numpy.uint8).view(dtype).astype(numpy.float64)
    # JSON has no infinities and no NaN.
    numbers = [value if numpy.isfinite(value) else str(value) for value in values.tolist()]
    return {"values": numbers, "codes": samples.astype(dtype).tobytes().hex()}


tables = {"f8e4m3": table(ml_dtypes.float8_e4m3fn), "f8e5m2": table(ml_dtypes.float8_e5m2)}
path = pathlib.Path(__file__).parents[2] / "test/fixtures/float8.json"
path.write_text(json.dumps(tables) + "\n")

"""Write builds of a model at fewer bits:

    requantise.py MODEL.gguf DIR BUILD [BUILD...]

A BUILD is q8, q6, q4, q3 or q2. DIR/BUILD.gguf is made of each, with the metadata and
the small tensors as they are and every matrix packed anew by llama.cpp's own routines,
those of the library that serves the models. A matrix whose rows have no multiple of
256 values cannot have the types of 2, 3, 4 and 6 bits that work in blocks of 256, and
gets the type that llama.cpp falls back to; of q2 it is the one of 2 bits in blocks of
64. The embedding, which is the output too in small models, stays at 8 bits, but for q2
and q3, where it has 4.

The weights that are at hand are packed already. Packing them again loses a little more
than packing the original would: these builds show what a ladder does, and say nothing
of anybody's release. They are deterministic, and a file that is there is kept.
"""

import ctypes
import os
import sys

import gguf
import numpy
import xllamacpp
from gguf import GGMLQuantizationType as Type

# The type of matrices by build, the one for rows that do not fit it, and that of the
# embedding.
BUILDS = {
    "q8": (Type.Q8_0, Type.Q8_0, Type.Q8_0),
    "q6": (Type.Q6_K, Type.Q8_0, Type.Q8_0),
    "q4": (Type.Q4_K, Type.Q5_0, Type.Q8_0),
    "q3": (Type.Q3_K, Type.IQ4_NL, Type.Q4_0),
    "q2": (Type.Q2_K, 42, Type.Q4_0),  # 42 is Q2_0, which the reader does not know yet
}

library = ctypes.CDLL(os.path.join(os.path.dirname(xllamacpp.__file__), "xllamacpp.abi3.so"))
library.ggml_blck_size.restype = ctypes.c_int64
library.ggml_row_size.restype = ctypes.c_size_t
library.ggml_row_size.argtypes = [ctypes.c_int, ctypes.c_int64]
library.ggml_quantize_chunk.restype = ctypes.c_size_t
library.ggml_quantize_chunk.argtypes = [
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
    ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p,
]


def pack(values, kind):
    """Return a matrix of floats packed as a type, as bytes row by row."""
    rows, width = values.shape
    values = numpy.ascontiguousarray(values, dtype=numpy.float32)
    out = numpy.zeros((rows, library.ggml_row_size(int(kind), width)), dtype=numpy.uint8)
    size = library.ggml_quantize_chunk(int(kind), values.ctypes.data, out.ctypes.data, 0, rows, width, None)
    if size != out.nbytes:
        raise RuntimeError(f"packing gave {size} bytes, want {out.nbytes}")
    return out


def chosen(build, name, width):
    """Return the type of a matrix in a build."""
    kind, other, embedding = BUILDS[build]
    if name in ("token_embd.weight", "output.weight"):
        kind = other = embedding
    return kind if width % library.ggml_blck_size(int(kind)) == 0 else other


def write(reader, build, path):
    """Write one build."""
    writer = gguf.GGUFWriter(path, reader.get_field("general.architecture").contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        of = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, sub_type=of)
    data = []
    for t in reader.tensors:
        values = t.data
        if len(t.shape) == 2:
            kind = chosen(build, t.name, int(t.shape[0]))
            values = pack(gguf.quants.dequantize(t.data, t.tensor_type), kind)
            # The shape is that of the matrix, last dimension first, whatever its type is.
            writer.tensors[-1][t.name] = gguf.gguf_writer.TensorInfo(
                shape=tuple(int(n) for n in reversed(t.shape)), dtype=kind, nbytes=values.nbytes, tensor=values)
        else:
            writer.add_tensor(t.name, values, raw_dtype=t.tensor_type)
        data.append(values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(argv):
    if len(argv) < 4 or any(b not in BUILDS for b in argv[3:]):
        print(__doc__, file=sys.stderr)
        return 2
    source, directory = argv[1], argv[2]
    os.makedirs(directory, exist_ok=True)
    reader = None
    for build in argv[3:]:
        path = os.path.join(directory, build + ".gguf")
        if os.path.exists(path):
            continue
        reader = reader or gguf.GGUFReader(source)
        part = f"{path}.{os.getpid()}"
        try:
            write(reader, build, part)
            os.replace(part, path)
        finally:
            if os.path.exists(part):
                os.remove(part)
        print(f"requantise: {path}, {os.path.getsize(path) / 1e6:.0f} MB", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

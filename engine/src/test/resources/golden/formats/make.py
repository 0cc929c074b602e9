"""Small files as the Python packages write them: safetensors 0.8.0 and gguf 0.19.0.

every.safetensors: one tensor of each type, named by it; byte i of its data is (7 i + the type's place in the list) mod 251.
every.gguf: each kind of metadata value; tensors of five types, bytes as above.
Run: python make.py   (needs numpy, gguf, safetensors)
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFValueType as V
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from safetensors import TensorSpec, serialize_file

HERE = pathlib.Path(__file__).parent


def pattern(count, start):
    return bytes((7 * i + start) % 251 for i in range(count))


# name, numpy's name, bytes
TYPES = [
    ("F32", "float32", 4), ("I64", "int64", 8), ("BOOL", "bool", 1), ("F16", "float16", 2), ("U8", "uint8", 1), ("I8", "int8", 1),
    ("BF16", "bfloat16", 2), ("F64", "float64", 8), ("I16", "int16", 2), ("U16", "uint16", 2), ("I32", "int32", 4), ("U32", "uint32", 4),
    ("U64", "uint64", 8), ("F8_E4M3", "float8_e4m3fn", 1), ("F8_E5M2", "float8_e5m2", 1),
]
alive = []
tensors = {}


def add(name, dtype, shape, data):
    alive.append(np.frombuffer(data + b"\0", dtype=np.uint8))
    tensors[name] = TensorSpec(dtype=dtype, shape=shape, data_ptr=alive[-1].ctypes.data, data_len=len(data))


for place, (name, dtype, size) in enumerate(TYPES):
    add(name, dtype, [2, 3], pattern(6 * size, place))
add("b.scalar", "float32", [], np.float32(1.5).tobytes())
add("a.empty", "float32", [0, 4], b"")
add('odd "name" \\ \u00e9 \u6f22', "uint8", [3], b"\1\2\3")
serialize_file(tensors, str(HERE / "every.safetensors"), {"format": "pt"})

w = GGUFWriter(HERE / "every.gguf", "llama")
w.add_uint8("t.u8", 200)
w.add_int8("t.i8", -100)
w.add_uint16("t.u16", 60000)
w.add_int16("t.i16", -30000)
w.add_uint32("t.u32", 4000000000)
w.add_int32("t.i32", -2000000000)
w.add_float32("t.f32", 0.1)
w.add_uint64("t.u64", 2**63 - 1)
w.add_uint64("t.u64max", 2**64 - 1)
w.add_int64("t.i64", -(2**63))
w.add_float64("t.f64", 0.1)
w.add_bool("t.true", True)
w.add_bool("t.false", False)
w.add_string("t.text", "Gr\u00fc\u00dfe \u6f22 \U0001f600")
w.add_array("t.texts", ["a", "", "\u0120b"])
w.add_array("t.ints", [1, -2, 3])
w.add_array("t.reals", [0.5, -1.25])
w.add_array("t.flags", [True, False])
w.add_array("t.nested", [[1, 2], [3]])
w.add_key_value("t.bytes", bytes([1, 255]), V.ARRAY, sub_type=V.UINT8)
for place, (name, rows, row) in enumerate([("F32", 3, 5), ("F16", 2, 3), ("Q4_1", 2, 64), ("Q6_K", 1, 256), ("I32", 1, 2)]):
    per, size = GGML_QUANT_SIZES[T[name]]
    data = np.frombuffer(pattern(rows * row // per * size, place), dtype=np.uint8).reshape(rows, -1)
    w.add_tensor("m." + name, data, raw_dtype=T[name])
w.write_header_to_file()
w.write_kv_data_to_file()
w.write_tensors_to_file()
w.close()

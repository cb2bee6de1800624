"""ONNX models with fields that say something else."""

from typing import Any

from hypothesis import strategies as st

from tests.fuzz.wrong_json import EXTREME, NAMES

__all__ = ["a_model"]


def a_model(draw: st.DrawFn, whole: bytes) -> bytes:
    """An ONNX model with fields that say something else, lists that lose or double a part, names of others."""
    import onnx

    model = onnx.load_model_from_string(whole)
    for _ in range(draw(st.sampled_from([1, 1, 2, 4]))):
        message = model
        while True:
            fields = [field for field, _ in message.ListFields()]
            field = draw(st.sampled_from(fields)) if fields else message.DESCRIPTOR.fields[0]
            value = getattr(message, field.name)
            many = hasattr(value, "append")
            inner = field.type == field.TYPE_MESSAGE
            if many and len(value) and draw(st.integers(0, 5)) == 0:
                at = draw(st.integers(0, len(value) - 1))
                if draw(st.booleans()):
                    del value[at]
                else:
                    value.append(value[at])
                break
            if inner:
                if many and not len(value):
                    break
                message = value[draw(st.integers(0, len(value) - 1))] if many else value
                continue
            change_field(draw, message, field, many)
            break
    return model.SerializeToString()


def change_field(draw: st.DrawFn, message: Any, field: Any, many: bool) -> None:
    """Give a field of a protocol buffer another value of its type; of several, one."""
    numbers = [number for number in EXTREME if abs(number) < 1 << 31] + [1 << 62, -(1 << 40)]
    new = {
        field.CPPTYPE_STRING: st.sampled_from([each.encode(errors="replace") for each in NAMES]),
        field.CPPTYPE_FLOAT: st.sampled_from([0.0, -1.0, 0.5, float("nan"), float("inf"), 1e30, 1e-30]),
        field.CPPTYPE_DOUBLE: st.sampled_from([0.0, -1.0, float("nan"), 1e300]),
    }.get(field.cpp_type, st.sampled_from(numbers))
    value = draw(new)
    try:
        if many:
            items = list(getattr(message, field.name)) or [value]
            items[draw(st.integers(0, len(items) - 1))] = value
            del getattr(message, field.name)[:]
            getattr(message, field.name).extend(items)
        else:
            setattr(message, field.name, value)
    except (ValueError, TypeError):
        return  # A number that this field cannot hold, or bytes that are no text.

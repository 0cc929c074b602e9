package dev.gyre.quant;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Little-endian numbers in a byte array. */
final class Little {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

    private Little() {}

    static short i16(byte[] in, int at) {
        return (short) SHORT.get(in, at);
    }

    static int i32(byte[] in, int at) {
        return (int) INT.get(in, at);
    }

    static void i16(byte[] out, int at, short value) {
        SHORT.set(out, at, value);
    }

    static void i32(byte[] out, int at, int value) {
        INT.set(out, at, value);
    }

    /**
     * The nearest half-precision number.
     *
     * @throws ArithmeticException when it would not be finite
     */
    static void f16(byte[] out, int at, float value) {
        short half = Float.floatToFloat16(value);
        if ((half & 0x7C00) == 0x7C00)
            throw new ArithmeticException(value + " is beyond half precision's 65504");
        i16(out, at, half);
    }

    static float f16(byte[] in, int at) {
        return Float.float16ToFloat(i16(in, at));
    }
}

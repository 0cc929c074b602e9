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

    static float f16(byte[] in, int at) {
        return Float.float16ToFloat(i16(in, at));
    }
}

package dev.gyre.format;

import java.util.Random;

/** Damage as disks, transfers and people do it. */
final class Bent {
    private static final long[] EDGES = {
        0,
        1,
        -1,
        127,
        128,
        255,
        256,
        65535,
        1 << 20,
        Integer.MAX_VALUE,
        Integer.MIN_VALUE,
        0xFFFFFFFFL,
        1L << 32,
        1L << 40,
        1L << 62,
        Long.MAX_VALUE,
        Long.MIN_VALUE
    };

    private Bent() {}

    /** A copy with one to four changes within its first bytes. */
    static byte[] some(byte[] whole, int within, Random random) {
        byte[] bytes = whole.clone();
        int changes = 1 + random.nextInt(4);
        for (int c = 0; c < changes; c++) {
            int at = random.nextInt(within);
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] = (byte) random.nextInt(256);
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> put(bytes, at, EDGES[random.nextInt(EDGES.length)], 4);
                case 3 -> put(bytes, at, EDGES[random.nextInt(EDGES.length)], 8);
                default -> {
                    int from = random.nextInt(within);
                    int length =
                            Math.min(1 + random.nextInt(40), bytes.length - Math.max(at, from));
                    System.arraycopy(whole, from, bytes, at, length);
                }
            }
        }
        return bytes;
    }

    private static void put(byte[] bytes, int at, long value, int size) {
        for (int i = 0; i < size && at + i < bytes.length; i++)
            bytes[at + i] = (byte) (value >> 8 * i);
    }
}

package dev.gyre.tensor.kernel;

import java.lang.foreign.Arena;

/** Multiplies small matrices in Java until the tile's loop is compiled. */
public final class TileProgram {
    private static final int SIDE = 32;

    private TileProgram() {}

    /** Prints one number of the product. */
    public static void main(String[] words) {
        long a = matrix();
        long b = matrix();
        long out = matrix();
        for (int i = 0; i < 2000; i++)
            Tile.inJava(a, 4 * SIDE, 4, b, 4 * SIDE, out, 4 * SIDE, SIDE, SIDE, SIDE, false);
        System.out.println("product " + Lanes.get(out));
    }

    private static long matrix() {
        long matrix = Arena.global().allocate(4 * SIDE * SIDE, 64).address();
        for (int i = 0; i < SIDE * SIDE; i++) Lanes.set(matrix + 4L * i, 1);
        return matrix;
    }
}

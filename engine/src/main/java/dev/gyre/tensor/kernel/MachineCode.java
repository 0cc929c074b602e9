package dev.gyre.tensor.kernel;

import static dev.gyre.tensor.kernel.Assembler.Place.at;
import static dev.gyre.tensor.kernel.Assembler.Register.R10;
import static dev.gyre.tensor.kernel.Assembler.Register.R11;
import static dev.gyre.tensor.kernel.Assembler.Register.R12;
import static dev.gyre.tensor.kernel.Assembler.Register.R13;
import static dev.gyre.tensor.kernel.Assembler.Register.R14;
import static dev.gyre.tensor.kernel.Assembler.Register.R15;
import static dev.gyre.tensor.kernel.Assembler.Register.R8;
import static dev.gyre.tensor.kernel.Assembler.Register.R9;
import static dev.gyre.tensor.kernel.Assembler.Register.RAX;
import static dev.gyre.tensor.kernel.Assembler.Register.RBP;
import static dev.gyre.tensor.kernel.Assembler.Register.RBX;
import static dev.gyre.tensor.kernel.Assembler.Register.RCX;
import static dev.gyre.tensor.kernel.Assembler.Register.RDI;
import static dev.gyre.tensor.kernel.Assembler.Register.RDX;
import static dev.gyre.tensor.kernel.Assembler.Register.RSI;
import static dev.gyre.tensor.kernel.Assembler.Register.RSP;

import dev.gyre.tensor.kernel.Assembler.Label;
import dev.gyre.tensor.kernel.Assembler.Place;
import dev.gyre.tensor.kernel.Assembler.Register;

import java.util.List;

/**
 * The innermost loops of products and of turning a matrix over, for x86-64 processors with AVX2 and
 * FMA, in the calling convention of System V. Written here, because the Java compiler loads all
 * that a step needs before its first product: more than eight sums no longer fit its 16 registers
 * then, and eight do 68 GFLOP/s on a Zen 3 core that can do 107. These twelve did 98 to 105 in a
 * trial of their own, with a and b in the caches, and about 98 in a training step.
 *
 * <p>All strides are in bytes.
 */
final class MachineCode {
    /** Rows of a tile; more sums than these twelve, of two vectors each, leave no room for b. */
    static final int MOST_ROWS = 6;

    private static final int VECTOR = 32;

    /** Saved registers and the return address, above which the caller's seventh argument lies. */
    private static final int ARGUMENTS = 8 * 7;

    private static final List<Register> SAVED = List.of(RBX, RBP, R12, R13, R14, R15);

    // Arguments that do not fit the registers.
    private static final Place OUT_ROW = argument(0);
    private static final Place TILES = argument(1);
    private static final Place PAIRS = argument(2);
    private static final Place SINGLES = argument(3);
    private static final Place STEPS = argument(4);
    private static final Place ADD = argument(5);
    private static final Place NEXT_PAIR = argument(6);

    private final Assembler asm = new Assembler();

    /** Where each routine begins: products in tiles of 1 to {@link #MOST_ROWS} rows. */
    final int[] products = new int[MOST_ROWS + 1];

    final int turn;
    final byte[] bytes;

    MachineCode() {
        for (int rows = 1; rows <= MOST_ROWS; rows++) products[rows] = product(rows);
        turn = turn();
        bytes = asm.code();
    }

    private static Place argument(int i) {
        return at(RSP, ARGUMENTS + 8 * i);
    }

    /**
     * out[i, j] (+)= Σₖ a[i, k] · b[k, j] for the rows of some tiles. Arguments: a, from its row to
     * the next one, from its step to the next one; b, from its step to the next one; out, from its
     * row to the next one; tiles, at least one; pairs of vectors of columns, then single vectors (0
     * or 1); steps, at least one; whether to add to what out holds; in b from one pair to the next
     * one.
     */
    private int product(int rows) {
        int start = asm.align();
        SAVED.forEach(asm::push);
        asm.load(R12, OUT_ROW);
        asm.address(R10, at(RSI, RSI, 2));
        asm.address(R11, at(RSI, RSI, 4));
        var tile = new Label();
        asm.place(tile);
        asm.move(RBX, RCX);
        asm.move(RBP, R9);
        for (int vectors = 2; vectors >= 1; vectors--) columns(rows, vectors);
        for (int i = 0; i < rows; i++) {
            asm.add(RDI, RSI);
            asm.add(R9, R12);
        }
        asm.decrement(TILES);
        asm.jumpIfNotZero(tile);
        SAVED.reversed().forEach(asm::pop);
        asm.end();
        return start;
    }

    /** A tile's pairs of vectors of columns, or the single ones: RBX and RBP move on. */
    private void columns(int rows, int vectors) {
        var next = new Label();
        var done = new Label();
        asm.load(R14, vectors == 2 ? PAIRS : SINGLES);
        asm.test(R14);
        asm.jumpIfZero(done);
        asm.place(next);
        sums(rows, vectors);
        results(rows, vectors);
        if (vectors == 2) asm.add(RBX, NEXT_PAIR);
        asm.add(RBP, vectors * VECTOR);
        asm.decrement(R14);
        asm.jumpIfNotZero(next);
        asm.place(done);
    }

    /** Registers 4 … are the sums, row by row; 0 and 1 hold b, 2 and 3 in turn one number of a. */
    private void sums(int rows, int vectors) {
        var step = new Label();
        for (int i = 0; i < rows * vectors; i++) asm.zero(4 + i);
        asm.move(RAX, RDI);
        asm.move(R15, RBX);
        asm.load(R13, STEPS);
        asm.place(step);
        for (int v = 0; v < vectors; v++) asm.load(v, at(R15, v * VECTOR));
        for (int i = 0; i < rows; i++) {
            int number = 2 + i % 2;
            asm.broadcast(number, row(i));
            for (int v = 0; v < vectors; v++) asm.multiplyAdd(4 + i * vectors + v, number, v);
        }
        asm.add(RAX, RDX);
        asm.add(R15, R8);
        asm.decrement(R13);
        asm.jumpIfNotZero(step);
    }

    private static Place row(int i) {
        return switch (i) {
            case 0 -> at(RAX);
            case 3 -> at(RAX, R10, 1);
            case 5 -> at(RAX, R11, 1);
            default -> at(RAX, RSI, i);
        };
    }

    private void results(int rows, int vectors) {
        var store = new Label();
        asm.address(RAX, at(RBP, R12, 1));
        asm.test(ADD);
        asm.jumpIfZero(store);
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < vectors; v++) {
                int sum = 4 + i * vectors + v;
                asm.add(sum, sum, resultRow(i).plus(v * VECTOR));
            }
        asm.place(store);
        for (int i = 0; i < rows; i++)
            for (int v = 0; v < vectors; v++)
                asm.store(4 + i * vectors + v, resultRow(i).plus(v * VECTOR));
    }

    /** With RAX a row behind the tile's first. */
    private static Place resultRow(int i) {
        return switch (i) {
            case 3 -> at(RAX, R12, 2);
            case 5 -> at(RAX, R12, 4);
            case 0 -> at(RBP);
            default -> at(RBP, R12, i);
        };
    }

    /**
     * to[j, i] = from[i, j] in squares of 8. Arguments: from, from its row to the next one; to,
     * from its row to the next one; squares below each other, squares beside each other, at least
     * one of each.
     */
    private int turn() {
        int start = asm.align();
        var below = new Label();
        var beside = new Label();
        List<Register> saved = List.of(RBX, RBP, R12, R13);
        saved.forEach(asm::push);
        asm.address(R10, at(RSI, RSI, 2));
        asm.address(R11, at(RCX, RCX, 2));
        asm.place(below);
        asm.move(RAX, RDI);
        asm.move(RBX, RDX);
        asm.move(RBP, R9);
        asm.place(beside);
        asm.address(R12, at(RAX, RSI, 4));
        asm.address(R13, at(RBX, RCX, 4));
        square();
        asm.add(RAX, VECTOR);
        asm.address(RBX, at(RBX, RCX, 8));
        asm.decrement(RBP);
        asm.jumpIfNotZero(beside);
        asm.address(RDI, at(RDI, RSI, 8));
        asm.add(RDX, VECTOR);
        asm.decrement(R8);
        asm.jumpIfNotZero(below);
        saved.reversed().forEach(asm::pop);
        asm.end();
        return start;
    }

    /** Numbers side by side change places, then pairs of them, then halves of rows. */
    private void square() {
        for (int i = 0; i < 8; i++)
            asm.load(i, i < 4 ? four(RAX, RSI, R10, i) : four(R12, RSI, R10, i - 4));
        for (int i = 0; i < 8; i += 2) {
            asm.interleaveLow(8 + i, i, i + 1);
            asm.interleaveHigh(9 + i, i, i + 1);
        }
        for (int i = 0; i < 8; i += 4)
            for (int half = 0; half < 2; half++) {
                asm.lowPairs(i + 2 * half, 8 + i + half, 10 + i + half);
                asm.highPairs(i + 2 * half + 1, 8 + i + half, 10 + i + half);
            }
        for (int i = 0; i < 4; i++) {
            asm.lowHalves(8 + i, i, i + 4);
            asm.highHalves(12 + i, i, i + 4);
        }
        for (int i = 0; i < 8; i++)
            asm.store(8 + i, i < 4 ? four(RBX, RCX, R11, i) : four(R13, RCX, R11, i - 4));
    }

    /** The i-th of four rows, given their distance and three times it. */
    private static Place four(Register first, Register row, Register three, int i) {
        return switch (i) {
            case 0 -> at(first);
            case 3 -> at(first, three, 1);
            default -> at(first, row, i);
        };
    }
}

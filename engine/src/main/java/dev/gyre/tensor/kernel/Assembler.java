package dev.gyre.tensor.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes x86-64 machine code: of all instructions those that {@link MachineCode} needs, each in one
 * encoding (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2). Vectors are
 * registers of 8 numbers, 0 to 15.
 */
final class Assembler {
    /** A register of 64 bits. */
    enum Register {
        RAX(0),
        RCX(1),
        RDX(2),
        RBX(3),
        RSP(4),
        RBP(5),
        RSI(6),
        RDI(7),
        R8(8),
        R9(9),
        R10(10),
        R11(11),
        R12(12),
        R13(13),
        R14(14),
        R15(15);

        final int number;

        Register(int number) {
            this.number = number;
        }
    }

    /** A place in memory: base + times · index + offset. */
    record Place(Register base, Register index, int times, int offset) {
        static Place at(Register base) {
            return at(base, 0);
        }

        static Place at(Register base, int offset) {
            // The stack pointer cannot be an index: its number says that there is none.
            return new Place(base, Register.RSP, 1, offset);
        }

        static Place at(Register base, Register index, int times) {
            return new Place(base, index, times, 0);
        }

        Place plus(int more) {
            return new Place(base, index, times, offset + more);
        }
    }

    /** A place in the code to jump to. */
    static final class Label {
        private int position = -1;
        private final List<Integer> jumps = new ArrayList<>();
    }

    private static final int NO_PREFIX = 0;
    private static final int PREFIX_66 = 1;
    private static final int MAP_0F = 1;
    private static final int MAP_0F38 = 2;
    private static final int MAP_0F3A = 3;

    private final ByteBuffer code = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

    byte[] code() {
        return java.util.Arrays.copyOf(code.array(), code.position());
    }

    /** Where the next instruction begins: a multiple of 64 bytes from the code's beginning. */
    int align() {
        while (code.position() % 64 != 0) code.put((byte) 0x90);
        return code.position();
    }

    // Whole numbers.

    void push(Register r) {
        if (r.number >= 8) code.put((byte) 0x41);
        code.put((byte) (0x50 + r.number % 8));
    }

    void pop(Register r) {
        if (r.number >= 8) code.put((byte) 0x41);
        code.put((byte) (0x58 + r.number % 8));
    }

    void move(Register to, Register from) {
        wide(0x8B, to.number, from);
    }

    void load(Register to, Place from) {
        wide(0x8B, to.number, from);
    }

    /** to = the address of a place. */
    void address(Register to, Place of) {
        wide(0x8D, to.number, of);
    }

    void add(Register to, Register r) {
        wide(0x03, to.number, r);
    }

    void add(Register to, Place from) {
        wide(0x03, to.number, from);
    }

    void add(Register to, int number) {
        wide(0x81, 0, to);
        code.putInt(number);
    }

    /** Subtracts one; {@link #jumpIfNotZero} then asks for what is left. */
    void decrement(Register r) {
        wide(0xFF, 1, r);
    }

    void decrement(Place p) {
        wide(0xFF, 1, p);
    }

    /** For {@link #jumpIfZero} and {@link #jumpIfNotZero}. */
    void test(Register r) {
        wide(0x85, r.number, r);
    }

    void test(Place p) {
        wide(0x83, 7, p);
        code.put((byte) 0);
    }

    void place(Label label) {
        label.position = code.position();
        for (int jump : label.jumps) code.putInt(jump, label.position - jump - 4);
    }

    void jumpIfZero(Label label) {
        code.put((byte) 0x0F).put((byte) 0x84);
        target(label);
    }

    void jumpIfNotZero(Label label) {
        code.put((byte) 0x0F).put((byte) 0x85);
        target(label);
    }

    private void target(Label label) {
        label.jumps.add(code.position());
        code.putInt(label.position - code.position() - 4);
    }

    /** Back to the caller, with the vector registers as other code expects them. */
    void end() {
        code.put((byte) 0xC5).put((byte) 0xF8).put((byte) 0x77).put((byte) 0xC3);
    }

    // Vectors.

    void load(int to, Place from) {
        vector(NO_PREFIX, MAP_0F, 0x10, to, 0, from);
    }

    void store(int from, Place to) {
        vector(NO_PREFIX, MAP_0F, 0x11, from, 0, to);
    }

    /** One number into all lanes. */
    void broadcast(int to, Place from) {
        vector(PREFIX_66, MAP_0F38, 0x18, to, 0, from);
    }

    void zero(int v) {
        vector(NO_PREFIX, MAP_0F, 0x57, v, v, v);
    }

    /** to = a + memory. */
    void add(int to, int a, Place b) {
        vector(NO_PREFIX, MAP_0F, 0x58, to, a, b);
    }

    /** sum += a · b, rounded once. */
    void multiplyAdd(int sum, int a, int b) {
        vector(PREFIX_66, MAP_0F38, 0xB8, sum, a, b);
    }

    /** In each half a₀ b₀ a₁ b₁. */
    void interleaveLow(int to, int a, int b) {
        vector(NO_PREFIX, MAP_0F, 0x14, to, a, b);
    }

    /** In each half a₂ b₂ a₃ b₃. */
    void interleaveHigh(int to, int a, int b) {
        vector(NO_PREFIX, MAP_0F, 0x15, to, a, b);
    }

    /** In each half a₀ a₁ b₀ b₁. */
    void lowPairs(int to, int a, int b) {
        vector(NO_PREFIX, MAP_0F, 0xC6, to, a, b);
        code.put((byte) 0x44);
    }

    /** In each half a₂ a₃ b₂ b₃. */
    void highPairs(int to, int a, int b) {
        vector(NO_PREFIX, MAP_0F, 0xC6, to, a, b);
        code.put((byte) 0xEE);
    }

    /** The low half of a, then that of b. */
    void lowHalves(int to, int a, int b) {
        vector(PREFIX_66, MAP_0F3A, 0x06, to, a, b);
        code.put((byte) 0x20);
    }

    /** The high half of a, then that of b. */
    void highHalves(int to, int a, int b) {
        vector(PREFIX_66, MAP_0F3A, 0x06, to, a, b);
        code.put((byte) 0x31);
    }

    // Encodings: the REX prefix, the VEX prefix of three bytes, ModRM and SIB (sections 2.2.1, 2.3,
    // 2.1.5).

    private void wide(int opcode, int reg, Register rm) {
        code.put((byte) (0x48 | reg / 8 << 2 | rm.number / 8));
        code.put((byte) opcode);
        code.put((byte) (0xC0 | reg % 8 << 3 | rm.number % 8));
    }

    private void wide(int opcode, int reg, Place p) {
        code.put((byte) (0x48 | reg / 8 << 2 | p.index.number / 8 << 1 | p.base.number / 8));
        code.put((byte) opcode);
        operand(reg, p);
    }

    private void vector(int prefix, int map, int opcode, int reg, int second, int rm) {
        code.put((byte) 0xC4);
        code.put((byte) ((reg < 8 ? 0x80 : 0) | 0x40 | (rm < 8 ? 0x20 : 0) | map));
        code.put((byte) ((~second & 15) << 3 | 4 | prefix));
        code.put((byte) opcode);
        code.put((byte) (0xC0 | reg % 8 << 3 | rm % 8));
    }

    private void vector(int prefix, int map, int opcode, int reg, int second, Place p) {
        int high =
                (reg < 8 ? 0x80 : 0)
                        | (p.index.number < 8 ? 0x40 : 0)
                        | (p.base.number < 8 ? 0x20 : 0);
        code.put((byte) 0xC4).put((byte) (high | map));
        code.put((byte) ((~second & 15) << 3 | 4 | prefix));
        code.put((byte) opcode);
        operand(reg, p);
    }

    /** Always with an index, or none, and an offset of one byte, or of four. */
    private void operand(int reg, Place p) {
        boolean small = p.offset == (byte) p.offset;
        code.put((byte) ((small ? 0x40 : 0x80) | reg % 8 << 3 | 4));
        int scale = Integer.numberOfTrailingZeros(p.times);
        code.put((byte) (scale << 6 | p.index.number % 8 << 3 | p.base.number % 8));
        if (small) code.put((byte) p.offset);
        else code.putInt(p.offset);
    }
}

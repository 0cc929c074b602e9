package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Objects;
import java.util.Random;

class Nf4Test {
    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }

    private static float[] floats(MemorySegment segment) {
        return segment.toArray(Floats.LAYOUT);
    }

    @Test
    void oneBlockHasItsSpecifiedCodes() {
        var made = Nf4.of("w", Gen.rows(Gen.of(64), 1), Arena.ofAuto());
        assertThat(HexFormat.of().formatHex(bytes(made.packed())))
                .isEqualTo("17e29f3b05d17e2af4c06d18e2a04c16e29f3b05d17e29f3c05d18e2af4c16e1");
    }

    @Test
    void oneBlockWithoutDoubleQuantisationDecodesToItsSpecifiedNumbers() {
        var made = Nf4.of("w", Gen.rows(Gen.of(64), 1), Arena.ofAuto());
        var plain =
                new Nf4(
                        1,
                        64,
                        64,
                        made.packed(),
                        MemorySegment.ofArray(Floats.little(.78125f)),
                        null);
        float[] got = Gen.decoded(plain);
        float[] wanted = {
            -.5439006f, 0, .56481004f, -.41021332f, .12572671f, .78125f, -.3085293f, .26399627f
        };
        for (int i = 0; i < wanted.length; i++) assertThat(got[i]).isEqualTo(wanted[i]);
        float[] before = Gen.of(64);
        double squares = 0;
        for (int i = 0; i < 64; i++) squares += Math.pow(got[i] - before[i], 2);
        assertThat(Math.sqrt(squares / 64)).isCloseTo(.04148869, within(1e-8));
    }

    @Test
    void doubleQuantisationHasItsSpecifiedScales() {
        float[] values = new float[32768];
        for (int i = 0; i < values.length; i++)
            values[i] = ((int) ((7919L * i + 13) % 10007) - 5003) / 4096f;
        var made = Nf4.of("w", Gen.rows(values, 128), Arena.ofAuto());
        var nested = Objects.requireNonNull(made.nested());
        assertThat(nested.offset()).isEqualTo((float) 1.20776176);
        assertThat(floats(nested.scales())).containsExactly(.024412155f, .025632858f);
        int[] codes = {214, 81, 213, 200, 192, 54, 221, 173};
        for (int i = 0; i < codes.length; i++)
            assertThat(bytes(made.absmax())[i] & 0xFF).isEqualTo(codes[i]);
        float[] map = floats(nested.map());
        float[] wanted = {(float) 1.21827042, (float) 1.20652211, 1.2179271f, (float) 1.21346426};
        for (int i = 0; i < wanted.length; i++)
            assertThat(map[codes[i]] * floats(nested.scales())[0] + nested.offset())
                    .isEqualTo(wanted[i]);
        double worst = 0;
        for (int b = 0; b < 512; b++) {
            float a = 0;
            for (int i = 64 * b; i < 64 * (b + 1); i++) a = Math.max(a, Math.abs(values[i]));
            float back =
                    map[bytes(made.absmax())[b] & 0xFF] * floats(nested.scales())[b / 256]
                            + nested.offset();
            worst = Math.max(worst, Math.abs(a - back));
        }
        assertThat(worst).isCloseTo(1.8024e-4, within(1e-8));
    }

    @Test
    void losesAsMuchOfNormalNumbersAsSpecified() {
        var before = normal(256, 256);
        assertThat(RowChunks.difference(before, Nf4.of("w", before, Arena.ofAuto())).relative())
                .isCloseTo(.09213, within(1e-3));
    }

    @Test
    void encodingWhatWasDecodedGivesTheSameCodes() {
        var once = Nf4.of("w", normal(64, 64), Arena.ofAuto());
        var plain = withoutNesting(once);
        var twice = Nf4.of("w", Gen.rows(Gen.decoded(plain), 64), Arena.ofAuto());
        assertThat(bytes(twice.packed())).containsExactly(bytes(once.packed()));
    }

    private static Nf4 withoutNesting(Nf4 made) {
        float[] a = new float[(int) (made.rows() * made.columns() / 64)];
        java.util.Arrays.fill(a, 0.5f);
        return new Nf4(
                made.rows(),
                made.columns(),
                64,
                made.packed(),
                MemorySegment.ofArray(Floats.little(a)),
                null);
    }

    @Test
    void blocksCrossRowsAndRowsAreRowsOfTheWhole() {
        int rows = 331;
        int columns = 347;
        var made = Nf4.of("w", normal(rows, columns), Arena.ofAuto());
        float[] whole = Gen.decoded(made);
        for (int first : new int[] {0, 1, 7, 330}) {
            int count = Math.min(3, rows - first);
            float[] part = new float[count * columns];
            made.decode(first, count, MemorySegment.ofArray(part));
            assertThat(part)
                    .containsExactly(
                            java.util.Arrays.copyOfRange(
                                    whole, first * columns, (first + count) * columns));
        }
        assertThatThrownBy(() -> made.decode(330, 2, MemorySegment.ofArray(new float[694])))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void zerosGetTheCodeOfZero() {
        var made = Nf4.of("w", Gen.rows(new float[128], 2), Arena.ofAuto());
        for (byte b : bytes(made.packed())) assertThat(b).isEqualTo((byte) 0x77);
        for (float value : Gen.decoded(made)) assertThat(value).isZero();
    }

    @Test
    void brokenNumbersAreRefusedWithTheirRow() {
        float[] values = new float[128];
        values[70] = Float.NaN;
        assertThatThrownBy(() -> Nf4.of("q_proj", Gen.rows(values, 2), Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("q_proj, row 1");
    }

    @Test
    void theDynamicMapHasItsSpecifiedNumbersAndRounding() {
        float[] map = DynamicMap.map();
        assertThat(map[0]).isEqualTo(-.99296874f);
        assertThat(map[1]).isEqualTo((float) -.97890627);
        assertThat(map[2]).isEqualTo(-.96484375f);
        assertThat(map[127]).isZero();
        assertThat(map[128]).isCloseTo(5.5e-7f, within(1e-12f));
        assertThat(map[129]).isCloseTo(3.25e-6f, within(1e-11f));
        assertThat(map[254]).isEqualTo(.99296874f);
        assertThat(map[255]).isEqualTo(1f);
        for (int i = 0; i < 256; i++) assertThat(DynamicMap.index(map[i])).isEqualTo(i);
        int[] codes = {15, 85, 233, 29, 195, 247, 44, 209, 5, 58};
        float[] wanted = {(float) -.61096191, -.03088379f, .54504395f, -.45715332f};
        float[] values = Gen.of(64);
        double squares = 0;
        for (int i = 0; i < 64; i++) {
            int q = DynamicMap.index(values[i] * (1 / .78125f));
            if (i < codes.length) assertThat(q).isEqualTo(codes[i]);
            if (i < wanted.length) assertThat(map[q] * .78125f).isCloseTo(wanted[i], within(1e-8f));
            squares += Math.pow(map[q] * .78125f - values[i], 2);
        }
        assertThat(Math.sqrt(squares / 64)).isCloseTo(.0030234733, within(1e-9));
    }

    static RowSource normal(int rows, int columns) {
        var random = new Random(3);
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) values[i] = (float) (0.02 * random.nextGaussian());
        return Gen.rows(values, rows);
    }
}

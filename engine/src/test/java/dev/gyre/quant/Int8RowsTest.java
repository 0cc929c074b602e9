package dev.gyre.quant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

class Int8RowsTest {
    @Test
    void rowsHaveTheirSpecifiedCodes() {
        var made = Int8Rows.of("w", Gen.rows(Gen.of(12), 3), Arena.ofAuto());
        assertThat(made.absmax().toArray(Floats.LAYOUT))
                .containsExactly(.609375f, .703125f, .71875f);
        assertThat(made.codes().toArray(ValueLayout.JAVA_BYTE))
                .containsExactly(-127, -7, 114, -94, 23, 127, -54, 51, -127, -25, 77, -99);
    }

    @Test
    void losesAsMuchOfNormalNumbersAsSpecified() {
        var before = Nf4Test.normal(256, 256);
        assertThat(
                        RowChunks.difference(before, Int8Rows.of("w", before, Arena.ofAuto()))
                                .relative())
                .isCloseTo(.00699, within(1e-4));
    }

    @Test
    void rowsOfZerosStayZerosAndBrokenOnesAreRefused() {
        for (float value : Gen.decoded(Int8Rows.of("w", Gen.rows(new float[8], 2), Arena.ofAuto())))
            assertThat(value).isZero();
        float[] values = new float[8];
        values[5] = Float.NEGATIVE_INFINITY;
        assertThatThrownBy(() -> Int8Rows.of("w", Gen.rows(values, 2), Arena.ofAuto()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("w, row 1");
    }
}

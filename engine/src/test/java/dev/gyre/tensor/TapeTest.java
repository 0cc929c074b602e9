package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TapeTest {
    /** A mask that is the same in every step would leave the same numbers out of all of them. */
    @Test
    void innerTapesDrawMasksOfTheirOwn() {
        try (Tape one = Tape.recording(1);
                Tape again = Tape.recording(1);
                Tape other = Tape.recording(2)) {
            long first = seed(one);
            assertThat(seed(one)).isNotEqualTo(first);
            assertThat(seed(again)).isEqualTo(first);
            assertThat(seed(other)).isNotEqualTo(first);
        }
    }

    @Test
    void innerTapesAreOfTheSameKind() {
        try (Tape used = Tape.recordingWithoutDropout().inner();
                Tape trained = Tape.recording(1).inner();
                Tape off = Tape.off().inner()) {
            assertThat(used.training()).isFalse();
            assertThat(used.recording()).isTrue();
            assertThat(trained.training()).isTrue();
            assertThat(off.recording()).isFalse();
        }
    }

    private static long seed(Tape tape) {
        try (Tape inner = tape.inner()) {
            return inner.nextSeed();
        }
    }
}

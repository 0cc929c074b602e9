package dev.gyre.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ActivationsTest {
    @Test
    void autoKeepsWhatTakesHalfOfTheFreeMemory() {
        assertThat(Activations.AUTO.again(5, 10)).isFalse();
        assertThat(Activations.AUTO.again(5.1, 10)).isTrue();
        assertThat(Activations.KEEP.again(1e12, 1)).isFalse();
        assertThat(Activations.RECOMPUTE.again(1, 1e12)).isTrue();
    }
}

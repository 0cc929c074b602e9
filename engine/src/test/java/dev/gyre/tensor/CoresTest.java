package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.List;

class CoresTest {
    @Test
    void eachThreadKeepsToOneCoreAndTheCallerKeepsItsOwn() {
        int before = Torch.threads();
        assertThat(Cores.each(3, _ -> Torch.threads())).isEqualTo(List.of(1, 1, 1));
        assertThat(Torch.threads()).isEqualTo(before);
        assertThat(Cores.each(2, i -> i * 10)).isEqualTo(List.of(0, 10));
    }

    @Test
    void aFailureReachesTheCallerAfterAllHaveEnded() {
        assertThatThrownBy(
                        () ->
                                Cores.each(
                                        2,
                                        i -> {
                                            if (i == 1) throw new IllegalStateException("one");
                                            return i;
                                        }))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("one");
        assertThat(Cores.each(2, i -> i)).hasSize(2);
    }
}

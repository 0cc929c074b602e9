package dev.gyre.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.gyre.config.UserError;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

import java.util.Arrays;

class BenchStepsTest {
    @Command
    private static final class Holder {
        @Mixin private BenchSteps steps = new BenchSteps();
    }

    private static BenchSteps parsed(String... flags) {
        var holder = new Holder();
        new CommandLine(holder).parseArgs(flags);
        return holder.steps;
    }

    @Test
    void rowsOfOneLengthOrOfManyEvenlyBetween() {
        assertThat(lengths("--base=x")).containsExactly(256, 256, 256, 256);
        assertThat(lengths("--base=x", "--rows=5", "--tokens=32-256"))
                .containsExactly(32, 88, 144, 200, 256);
        assertThat(lengths("--base=x", "--rows=8", "--tokens=2-31"))
                .startsWith(2, 7)
                .endsWith(27, 31);
        assertThat(lengths("--base=x", "--rows=1", "--tokens=2-9")).containsExactly(9);
        assertThat(parsed("--base=x", "--rows=5", "--tokens=32-256").allTokens()).isEqualTo(720);
    }

    private static int[] lengths(String... flags) {
        return Arrays.stream(parsed(flags).batch(100)).mapToInt(row -> row.length).toArray();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "0", "-4", "9-2", "3-", "-", "many", "99999999999", "2-3-4", ""})
    void otherLengthsAreErrors(String tokens) {
        assertThatThrownBy(() -> parsed("--base=x", "--tokens", tokens).check())
                .isInstanceOf(UserError.class)
                .hasMessageContaining("--tokens")
                .hasMessageContaining("32-256");
    }
}

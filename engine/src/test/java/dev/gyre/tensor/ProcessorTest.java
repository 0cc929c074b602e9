package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;

class ProcessorTest {
    @Test
    void hasWhatLinuxSays() throws Exception {
        assumeTrue(
                Files.exists(Path.of("/proc/cpuinfo"))
                        && "amd64".equals(System.getProperty("os.arch")),
                "NOT RUN: no Linux on x86-64");
        assertThat(Processor.name()).isPresent();
        assertThat(Processor.has("sse2", "fpu")).isTrue();
        assertThat(Processor.has("sse2", "no-such-feature")).isFalse();
        assertThat(Processor.has("sse")).as("a name, not a name's beginning").isTrue();
        assertThat(Processor.has("sse4")).isFalse();
    }
}

package dev.gyre.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

class MemoryGroupTest {
    @TempDir Path root;

    @Test
    void theTightestOfNestedGroupsCounts() throws IOException {
        group("a", "memory.max", "4000", "memory.current", "3900", "memory.stat", "anon 3900\n");
        group("a/b", "memory.max", "5000", "memory.current", "1000", "memory.stat", "anon 1\n");
        assertThat(of("0::/a/b")).contains(new MemoryGroup(4000, 100));
    }

    @Test
    void pagesOfFilesCanBeHad() throws IOException {
        group(
                "a",
                "memory.max",
                "4000",
                "memory.current",
                "3000",
                "memory.stat",
                "file 999\ninactive_file 300\nactive_file 200\n");
        assertThat(of("0::/a")).contains(new MemoryGroup(4000, 1500));
    }

    @Test
    void versionOneHasAHierarchyForMemory() throws IOException {
        group(
                "memory/x",
                "memory.limit_in_bytes",
                "4000",
                "memory.usage_in_bytes",
                "3000",
                "memory.stat",
                "inactive_file 9\ntotal_inactive_file 300\ntotal_active_file 200\n");
        assertThat(of("5:cpu,cpuacct:/y", "4:memory,hugetlb:/x", "0::/"))
                .contains(new MemoryGroup(4000, 1500));
    }

    /** A container without its own name space sees the host's path, which is not there. */
    @Test
    void theTopOfTheHierarchyIsTheContainersGroup() throws IOException {
        group("", "memory.max", "4000", "memory.current", "1000");
        assertThat(of("0::/docker/f00")).contains(new MemoryGroup(4000, 3000));
        assertThat(of("0::/../outside")).isEmpty();
    }

    @Test
    void noLimitIsNone() throws IOException {
        group("a", "memory.max", "max", "memory.current", "1000");
        group(
                "memory",
                "memory.limit_in_bytes",
                "9223372036854771712",
                "memory.usage_in_bytes",
                "1");
        assertThat(of("4:memory:/", "0::/a")).isEmpty();
    }

    @Test
    void whatCannotBeReadIsNoLimit() throws IOException {
        group("a", "memory.max", "broken", "memory.current", "");
        assertThat(of("0::/a", "nonsense", "", "4:memory:/gone")).isEmpty();
        assertThat(MemoryGroup.tightest(root.resolve("absent"), root)).isEmpty();
    }

    @Test
    void theProcessHasSomeOfTheMachinesMemory() {
        assertThat(ProcessMemory.availableBytes().orElse(1))
                .isPositive()
                .isLessThanOrEqualTo(ProcessMemory.machineBytes().orElse(Long.MAX_VALUE));
    }

    private java.util.Optional<MemoryGroup> of(String... membership) throws IOException {
        Path file = root.resolve("membership");
        Files.write(file, java.util.List.of(membership));
        return MemoryGroup.tightest(file, root);
    }

    private void group(String name, String... files) throws IOException {
        Path group = Files.createDirectories(root.resolve(name));
        for (int i = 0; i < files.length; i += 2)
            Files.writeString(group.resolve(files[i]), files[i + 1]);
    }
}

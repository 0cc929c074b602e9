package dev.gyre.tensor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * What memory the process's control groups allow it, in a container for example (the kernel's
 * documentation, cgroup-v2, "Memory", and cgroup-v1/memory).
 *
 * @param most bytes that the group may hold
 * @param left bytes that it could take now; pages of files do not count, the kernel gives them back
 */
record MemoryGroup(long most, long left) {
    /** The kernel's word for no limit in version 1 is the largest number of whole pages. */
    private static final long NO_LIMIT = Long.MAX_VALUE >> 16 << 16;

    /** One version's file names. */
    private enum Version {
        ONE("memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
        TWO("memory.max", "memory.current", "");

        private final String most;
        private final String used;
        private final String prefix;

        Version(String most, String used, String prefix) {
            this.most = most;
            this.used = used;
            this.prefix = prefix;
        }

        Optional<MemoryGroup> of(Path group) {
            OptionalLong limit = number(group.resolve(most));
            OptionalLong held = number(group.resolve(used));
            if (limit.isEmpty() || held.isEmpty() || limit.getAsLong() >= NO_LIMIT)
                return Optional.empty();
            long files =
                    statistic(group, prefix + "inactive_file")
                            + statistic(group, prefix + "active_file");
            long left = limit.getAsLong() - held.getAsLong() + files;
            return Optional.of(
                    new MemoryGroup(limit.getAsLong(), Math.clamp(left, 0, limit.getAsLong())));
        }
    }

    /** Of this process; empty without a limit, and where the system has no control groups. */
    static Optional<MemoryGroup> own() {
        return tightest(Path.of("/proc/self/cgroup"), Path.of("/sys/fs/cgroup"));
    }

    /**
     * The group with the least left of all that the process is in.
     *
     * @param membership a line for each hierarchy, as in /proc/self/cgroup
     * @param root where the hierarchies are mounted
     */
    static Optional<MemoryGroup> tightest(Path membership, Path root) {
        try (var lines = Files.lines(membership)) {
            return lines.flatMap(line -> groups(line.split(":", 3), root))
                    .min(java.util.Comparator.comparingLong(MemoryGroup::left));
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
    }

    private static Stream<MemoryGroup> groups(String[] hierarchy, Path root) {
        if (hierarchy.length < 3) return Stream.empty();
        boolean two = hierarchy[1].isEmpty();
        if (!two && !java.util.List.of(hierarchy[1].split(",", -1)).contains("memory"))
            return Stream.empty();
        Path top = two ? root : root.resolve("memory");
        Version version = two ? Version.TWO : Version.ONE;
        // Inside a container the path can be the host's, and the container's group is the top.
        Path group = top.resolve(hierarchy[2].substring(1)).normalize();
        return Stream.iterate(group, g -> g != null && g.startsWith(top), Path::getParent)
                .flatMap(g -> version.of(g).stream());
    }

    private static OptionalLong number(Path file) {
        try {
            String text = Files.readString(file).strip();
            return text.equals("max")
                    ? OptionalLong.empty()
                    : OptionalLong.of(Long.parseLong(text));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }

    private static long statistic(Path group, String key) {
        try (var lines = Files.lines(group.resolve("memory.stat"))) {
            return lines.filter(l -> l.startsWith(key + " "))
                    .mapToLong(l -> Long.parseLong(l.substring(key.length() + 1)))
                    .findFirst()
                    .orElse(0);
        } catch (IOException | RuntimeException e) {
            return 0;
        }
    }
}

package dev.gyre.hub;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A model on the hub.
 *
 * @param id {@code org/name}
 * @param revision a branch, tag or commit
 */
record ModelName(String id, String revision) {
    private static final Pattern FORM =
            Pattern.compile("(\\w[\\w.-]*/\\w[\\w.-]*)(?:@(\\w[\\w./-]*))?");

    /** Empty when the text has another form; nothing that leaves a folder passes. */
    static Optional<ModelName> parse(String text) {
        var m = FORM.matcher(text);
        if (!m.matches() || text.contains("..") || text.endsWith("/")) return Optional.empty();
        return Optional.of(new ModelName(m.group(1), m.group(2) == null ? "main" : m.group(2)));
    }

    /** The cache's folder for it. */
    String folder() {
        return "models--" + id.replace("/", "--");
    }

    @Override
    public String toString() {
        return revision.equals("main") ? id : id + "@" + revision;
    }
}

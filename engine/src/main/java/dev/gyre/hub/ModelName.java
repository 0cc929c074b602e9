package dev.gyre.hub;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A model on the hub.
 *
 * @param id {@code org/name}
 * @param revision a branch, tag or commit
 * @param file the GGUF file that is meant, where there are several
 */
record ModelName(String id, String revision, Optional<String> file) {
    private static final Pattern FORM =
            Pattern.compile(
                    "(\\w[\\w.-]*/\\w[\\w.-]*)(?:@(\\w[\\w./-]*))?(?::(\\w[\\w. /+-]*\\.gguf))?");

    /** Empty when the text has another form; nothing that leaves a folder passes. */
    static Optional<ModelName> parse(String text) {
        var m = FORM.matcher(text);
        if (!m.matches() || text.contains("..") || text.endsWith("/")) return Optional.empty();
        String revision = m.group(2) == null ? "main" : m.group(2);
        return Optional.of(new ModelName(m.group(1), revision, Optional.ofNullable(m.group(3))));
    }

    /** The cache's folder for it. */
    String folder() {
        return "models--" + id.replace("/", "--");
    }

    /** The same model's other file. */
    ModelName with(String gguf) {
        return new ModelName(id, revision, Optional.of(gguf));
    }

    @Override
    public String toString() {
        String whole = revision.equals("main") ? id : id + "@" + revision;
        return file.map(f -> whole + ":" + f).orElse(whole);
    }
}

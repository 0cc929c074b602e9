package dev.gyre.text.jinja;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What a call hands over. */
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    /** The argument at a place or under a name. */
    Optional<Object> get(int at, String name) {
        return at < positional.size()
                ? Optional.of(positional.get(at))
                : Optional.ofNullable(named.get(name));
    }

    Object need(int at, String name) {
        return get(at, name)
                .orElseThrow(() -> new TemplateError("the argument \"" + name + "\" is missing"));
    }

    String text(int at, String name) {
        if (need(at, name) instanceof String s) return s;
        throw new TemplateError(
                "the argument \""
                        + name
                        + "\" must be text, not "
                        + Values.typeName(need(at, name)));
    }

    int whole(int at, String name, int otherwise) {
        return get(at, name).map(Numbers::index).orElse(otherwise);
    }

    boolean truth(int at, String name) {
        return get(at, name).map(Values::truth).orElse(false);
    }

    int size() {
        return positional.size();
    }
}

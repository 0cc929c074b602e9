package dev.gyre.text.jinja;

import java.util.List;

/** What {@code loop} is inside a {@code for}: where it stands. */
final class Loop {
    private final List<Object> items;
    int index;
    private Object lastChanged = this;

    Loop(List<Object> items) {
        this.items = items;
    }

    Object attribute(String name) {
        int size = items.size();
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) (size - index);
            case "revindex0" -> size - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == size - 1;
            case "length" -> (long) size;
            case "depth" ->
                    1L; // a loop inside another counts anew; only a recursive one, which is not
            // read, goes deeper
            case "depth0" -> 0L;
            case "previtem" ->
                    index > 0
                            ? items.get(index - 1)
                            : new Values.Undefined("there is no previous item");
            case "nextitem" ->
                    index + 1 < size
                            ? items.get(index + 1)
                            : new Values.Undefined("there is no next item");
            case "cycle" -> (Values.Function) a -> cycled(a.positional());
            case "changed" ->
                    (Values.Function)
                            a -> {
                                Object now = new Values.Tuple(a.positional());
                                boolean changed =
                                        lastChanged == this || !Values.equal(lastChanged, now);
                                lastChanged = now;
                                return changed;
                            };
            default -> new Values.Undefined("loop." + name);
        };
    }

    private Object cycled(List<Object> values) {
        if (values.isEmpty()) throw new TemplateError("no items for cycling given");
        return values.get(index % values.size());
    }
}

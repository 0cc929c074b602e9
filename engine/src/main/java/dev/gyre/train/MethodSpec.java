package dev.gyre.train;

import dev.gyre.config.Bind;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.config.Yaml;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A method by name with the settings given for it; what the settings mean is the method's business.
 * Written as a map {@code {name: oft, block: 32}} or in one word {@code oft:block=32,terms=5}.
 *
 * @param settings by name, as {@code Long}, {@code Double}, {@code Boolean}, {@code String}, list
 *     or map
 */
public record MethodSpec(String name, Map<String, Object> settings) implements Bind.Plain {
    public MethodSpec {
        settings = Map.copyOf(settings);
    }

    public static MethodSpec of(String word) {
        return read(Tree.of(word, "method", ""));
    }

    /**
     * Reads either way of writing it.
     *
     * @throws UserError when the name is missing or a setting has no value
     */
    public static MethodSpec read(Tree tree) {
        if (!tree.isMap()) return word(tree);
        String name = tree.need("name").text();
        var settings = new LinkedHashMap<String, Object>();
        tree.entries()
                .forEach(
                        (key, value) -> {
                            Object plain = value.plain();
                            if (plain == null) throw value.wrong("a value");
                            if (!key.equals("name")) settings.put(key, plain);
                        });
        return new MethodSpec(name, settings);
    }

    private static MethodSpec word(Tree tree) {
        String text = tree.text();
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        if (name.isBlank()) throw tree.wrong("a method's name, such as oft:block=32");
        var settings = new LinkedHashMap<String, Object>();
        if (colon >= 0) {
            for (String part : text.substring(colon + 1).split(",", -1)) {
                int equals = part.indexOf('=');
                @Nullable Object value =
                        equals < 0 ? null : Yaml.scalar(part.substring(equals + 1));
                if (equals < 1 || value == null)
                    throw tree.wrong(
                            "NAME:SETTING=VALUE,SETTING=VALUE, such as oft:block=32,terms=5");
                if (settings.put(part.substring(0, equals), value) != null)
                    throw tree.wrong("a method with each setting once");
            }
        }
        return new MethodSpec(name, settings);
    }

    @Override
    public Object plain() {
        var out = new LinkedHashMap<String, Object>();
        out.put("name", name);
        settings.keySet().stream().sorted().forEach(k -> out.put(k, settings.getOrDefault(k, "")));
        return out;
    }
}

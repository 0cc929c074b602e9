package dev.gyre.cli;

import dev.gyre.config.Bind;
import dev.gyre.config.Keys;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;
import dev.gyre.config.Yaml;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A flag for every key of a settings record. */
final class KeyFlags {
    private KeyFlags() {}

    /** Adds the flags to a command, in the record's order. */
    static void add(CommandSpec spec, Class<? extends Record> settings) {
        for (Keys.Entry key : Keys.of(settings)) {
            String shown = key.shown().isEmpty() ? "" : " [" + key.shown() + "]";
            boolean many = raw(key.type()) == List.class;
            spec.addOption(
                    OptionSpec.builder(key.flag())
                            .type(many ? List.class : String.class)
                            .auxiliaryTypes(String.class)
                            .paramLabel(key.form())
                            .description((key.about() + shown).replace("%", "%%"))
                            .build());
        }
    }

    /**
     * The settings of a file, with those given as flags in their place.
     *
     * @param base the file, or an empty map
     * @throws UserError when a key that must be given is given nowhere
     */
    static Tree over(Tree base, CommandSpec spec, Class<? extends Record> settings) {
        Map<String, Tree> all = new LinkedHashMap<>(base.entries());
        for (Keys.Entry key : Keys.of(settings)) {
            OptionSpec option = spec.findOption(key.flag());
            Object given = option.getValue();
            if (given != null) all.put(key.name(), tree(key, given));
            if (!all.containsKey(key.name()) && key.mustBeGiven())
                throw new UserError(
                        "%s %s is missing: %s".formatted(key.flag(), key.form(), key.about()));
        }
        return new Tree(all, base.source(), base.line(), "");
    }

    /** A record from flags alone. */
    static <R extends Record> R read(CommandSpec spec, Class<R> settings) {
        return Bind.record(over(Tree.of(Map.of(), "command line", ""), spec, settings), settings);
    }

    private static Tree tree(Keys.Entry key, Object given) {
        if (given instanceof List<?> list)
            return new Tree(
                    list.stream().map(text -> leaf(key, (String) text)).toList(),
                    key.flag(),
                    0,
                    "");
        return leaf(key, (String) given);
    }

    /**
     * Numbers and truth values are read as YAML reads them; everything else stays as it was typed.
     */
    private static Tree leaf(Keys.Entry key, String text) {
        Type type = key.type();
        while (type instanceof ParameterizedType p) type = p.getActualTypeArguments()[0];
        boolean word =
                type instanceof Class<?> c && (c.isPrimitive() || Number.class.isAssignableFrom(c));
        return new Tree(word ? Yaml.scalar(text) : text, key.flag(), 0, "");
    }

    private static Type raw(Type type) {
        return type instanceof ParameterizedType p ? p.getRawType() : type;
    }
}

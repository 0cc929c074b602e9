package dev.gyre.config;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The keys of a settings record, in the order of its components. */
public final class Keys {
    private Keys() {}

    /**
     * One key.
     *
     * @param name as YAML has it, such as {@code learning_rate}
     * @param component as the record has it
     * @param type the component's type
     * @param about what it does
     * @param def its default as YAML, empty for none
     * @param shown the default in words for help, empty for a key that must be given
     * @param form what stands for its value in help
     */
    public record Entry(
            String name,
            String component,
            Type type,
            String about,
            String def,
            String shown,
            String form) {
        /** The same key as a flag: {@code --learning-rate}. */
        public String flag() {
            return "--" + name.replace('_', '-');
        }

        /** Whether there is no default and nothing that stands for one. */
        public boolean mustBeGiven() {
            return shown.isEmpty();
        }
    }

    /** The keys of a record whose components all carry {@link Key}. */
    public static List<Entry> of(Class<? extends Record> type) {
        var out = new ArrayList<Entry>();
        for (RecordComponent c : type.getRecordComponents()) {
            Key key = c.getAnnotation(Key.class);
            if (key == null)
                throw new IllegalStateException(type + "." + c.getName() + " carries no @Key");
            String shown = key.shown().isEmpty() ? key.def() : key.shown();
            String form = key.form().isEmpty() ? Forms.of(c.getGenericType()) : key.form();
            out.add(
                    new Entry(
                            snake(c.getName()),
                            c.getName(),
                            c.getGenericType(),
                            key.value(),
                            key.def(),
                            shown,
                            form));
        }
        return out;
    }

    /** {@code learningRate} as {@code learning_rate}. */
    static String snake(String camel) {
        var out = new StringBuilder();
        for (int i = 0; i < camel.length(); i++) {
            char c = camel.charAt(i);
            if (Character.isUpperCase(c)) out.append('_');
            out.append(Character.toLowerCase(c));
        }
        return out.toString();
    }

    /** An enum's constant as its word in YAML: {@code KEEP_ALL} is {@code keep-all}. */
    public static String word(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}

package dev.gyre.config;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Settings to records, strictly: an unknown key, a value of another type and a missing key are
 * errors with file and line. Keys are the components' names in snake case; {@link Key} carries
 * their defaults. A component may be text, a number, a truth value, a path, an enum, a record, an
 * {@code Optional}, a list or a map of these, or a type with a static {@code read(Tree)}, which
 * reads itself. Where a list is wanted, one value stands for a list of one.
 */
public final class Bind {
    private Bind() {}

    /** A type that reads itself writes itself with this. */
    public interface Plain {
        /** The value as maps, lists, text, numbers and truth values. */
        Object plain();
    }

    /**
     * Fills a record from a map.
     *
     * @throws UserError naming the place, the key and what was wanted
     */
    public static <R extends Record> R record(Tree tree, Class<R> type) {
        Map<String, Tree> given = tree.entries();
        RecordComponent[] components = type.getRecordComponents();
        List<String> known = Arrays.stream(components).map(c -> Keys.snake(c.getName())).toList();
        given.forEach(
                (key, value) -> {
                    if (!known.contains(key))
                        throw new UserError(
                                "%s: unknown key \"%s\"%s%s"
                                        .formatted(
                                                value.where(),
                                                key,
                                                under(tree),
                                                NearMiss.hint(key, known)));
                });
        @Nullable Object[] values = new @Nullable Object[components.length];
        for (int i = 0; i < components.length; i++)
            values[i] = component(tree, given, components[i]);
        try {
            return construct(type, components, values);
        } catch (BadValue e) {
            Tree culprit = given.get(e.key());
            if (culprit != null) throw culprit.saying(e.complaint());
            throw new UserError("%s: \"%s\" %s".formatted(tree.where(), e.key(), e.complaint()), e);
        }
    }

    private static String under(Tree tree) {
        return tree.path().isEmpty() ? "" : " under \"" + tree.path() + "\"";
    }

    private static Object component(Tree tree, Map<String, Tree> given, RecordComponent c) {
        String name = Keys.snake(c.getName());
        Key key = c.getAnnotation(Key.class);
        Tree value = given.get(name);
        if (value != null)
            return value(key != null && key.commas() ? split(value) : value, c.getGenericType());
        if (key != null && !key.def().isEmpty())
            return value(
                    Tree.of(Yaml.scalar(key.def()), "the default of " + name, ""),
                    c.getGenericType());
        if (c.getType() == Optional.class) return Optional.empty();
        if (c.getType() == List.class) return List.of();
        if (c.getType() == Map.class) return Map.of();
        throw new UserError(
                "%s: the key \"%s\" is missing%s".formatted(tree.where(), name, under(tree)));
    }

    /** Each text with commas as several values; a regular expression may hold commas of its own. */
    private static Tree split(Tree list) {
        var out = new ArrayList<Tree>();
        for (Tree item : list.isList() ? list.items() : List.of(list)) {
            if (!item.isText() || item.text().startsWith("re:")) {
                out.add(item);
                continue;
            }
            for (String part : item.text().split(",", -1))
                out.add(
                        new Tree(
                                Yaml.scalar(part.strip()),
                                item.source(),
                                item.line(),
                                item.path()));
        }
        return new Tree(out, list.source(), list.line(), list.path());
    }

    private static Object value(Tree tree, Type type) {
        if (type instanceof ParameterizedType p) return container(tree, p);
        if (!(type instanceof Class<?> c)) throw new IllegalStateException("cannot bind " + type);
        if (c == String.class) return tree.text();
        if (c == int.class || c == Integer.class) return tree.wholeInt();
        if (c == long.class || c == Long.class) return tree.whole();
        if (c == double.class || c == Double.class) return tree.real();
        if (c == boolean.class || c == Boolean.class) return tree.bool();
        if (c == Path.class) return path(tree);
        if (c.isEnum()) return constant(tree, c);
        Optional<Method> reader = reader(c);
        if (reader.isPresent()) return invoke(reader.get(), tree);
        if (c.isRecord()) return record(tree, c.asSubclass(Record.class));
        throw new IllegalStateException("cannot bind " + type);
    }

    private static Object container(Tree tree, ParameterizedType type) {
        Type[] of = type.getActualTypeArguments();
        if (type.getRawType() == Optional.class)
            return tree.isNull() ? Optional.empty() : Optional.of(value(tree, of[0]));
        if (type.getRawType() == List.class) {
            if (!tree.isList()) return List.of(value(tree, of[0]));
            var out = new ArrayList<Object>();
            for (Tree item : tree.items()) out.add(value(item, of[0]));
            return List.copyOf(out);
        }
        if (type.getRawType() == Map.class) {
            var out = new LinkedHashMap<String, Object>();
            tree.entries().forEach((key, item) -> out.put(key, value(item, of[1])));
            return out;
        }
        throw new IllegalStateException("cannot bind " + type);
    }

    private static Path path(Tree tree) {
        try {
            if (!tree.text().isEmpty()) return Path.of(tree.text());
        } catch (InvalidPathException e) {
            throw tree.wrong("a path");
        }
        throw tree.wrong("a path");
    }

    private static Object constant(Tree tree, Class<?> type) {
        var words = new ArrayList<String>();
        for (Object constant : type.getEnumConstants()) {
            String word = Keys.word((Enum<?>) constant);
            if (tree.isText() && word.equals(tree.text())) return constant;
            words.add(word);
        }
        throw tree.wrong(
                words.size() == 1 ? words.getFirst() : "one of " + String.join(", ", words));
    }

    private static Optional<Method> reader(Class<?> type) {
        return Arrays.stream(type.getMethods())
                .filter(m -> m.getName().equals("read"))
                .filter(m -> Arrays.equals(m.getParameterTypes(), new Class<?>[] {Tree.class}))
                .findFirst();
    }

    private static Object invoke(Method reader, Tree tree) {
        try {
            return reader.invoke(null, tree);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) throw cause;
            throw new IllegalStateException(e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static <R extends Record> R construct(
            Class<R> type, RecordComponent[] components, @Nullable Object[] values) {
        try {
            var types =
                    Arrays.stream(components)
                            .map(RecordComponent::getType)
                            .toArray(Class<?>[]::new);
            Constructor<R> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException cause) throw cause;
            throw new IllegalStateException(e);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("cannot make a " + type, e);
        }
    }

    /** A record as the map that {@link #record} reads; what is empty is left out. */
    public static Map<String, Object> plain(Record record) {
        var out = new LinkedHashMap<String, Object>();
        for (RecordComponent c : record.getClass().getRecordComponents()) {
            try {
                Method accessor = c.getAccessor();
                accessor.setAccessible(true);
                plainValue(accessor.invoke(record))
                        .ifPresent(v -> out.put(Keys.snake(c.getName()), v));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException("cannot read " + c, e);
            }
        }
        return out;
    }

    /** What a record has for the keys that need not be given, as {@link #plain} writes it. */
    public static Map<String, Object> defaults(Class<? extends Record> type) {
        Tree nothing = Tree.of(Map.of(), "the defaults", "");
        var out = new LinkedHashMap<String, Object>();
        for (RecordComponent c : type.getRecordComponents()) {
            Key key = c.getAnnotation(Key.class);
            if (key == null || key.def().isEmpty() && key.shown().isEmpty()) continue;
            plainValue(component(nothing, Map.of(), c))
                    .ifPresent(v -> out.put(Keys.snake(c.getName()), v));
        }
        return out;
    }

    private static Optional<Object> plainValue(Object value) {
        return switch (value) {
            case Optional<?> o -> o.flatMap(Bind::plainValue);
            case Plain p -> Optional.of(p.plain());
            case Enum<?> e -> Optional.of(Keys.word(e));
            case Path p -> Optional.of(p.toString());
            case Record r -> Optional.of(plain(r));
            case List<?> l -> Optional.of(l.stream().flatMap(v -> plainValue(v).stream()).toList());
            default -> Optional.of(value);
        };
    }
}

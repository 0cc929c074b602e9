package dev.gyre.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import dev.gyre.tensor.Scope;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import javax.tools.ToolProvider;

/**
 * A method that the library has not costs its file, one line in the registry, and its numbers: here
 * both are compiled beside the library, and all laws run on it.
 */
class NewMethodTest {
    private static final Path METHODS =
            Path.of("src/main/java/dev/gyre/adapter/method/Methods.java");

    private static final String FILE =
            """
            package dev.gyre.adapter.method;

            import dev.gyre.adapter.Declared;
            import dev.gyre.adapter.Learned;
            import dev.gyre.adapter.Method;
            import dev.gyre.adapter.MethodKind;
            import dev.gyre.adapter.Settings;
            import dev.gyre.linear.Thin;
            import dev.gyre.model.Effect;
            import dev.gyre.model.Slot;
            import dev.gyre.tensor.Tape;
            import java.util.List;
            import java.util.Map;

            public record Toy(double scale) implements Method.PerSlot {
                public String name() { return "toy"; }

                public double learningRate() { return 1e-3; }

                private static String key(Slot slot, String tensor) {
                    return slot.name() + ".toy_" + tensor;
                }

                public List<Declared> parameters(Slot slot) {
                    Fits.linear(name(), slot);
                    return List.of(
                            new Declared(key(slot, "a"), new long[] {1, slot.in()}, Declared.normal(1)),
                            new Declared(key(slot, "b"), new long[] {slot.out(), 1}, Declared.ZEROS));
                }

                public Effect effect(Tape tape, Slot slot, Learned learned) {
                    return Effect.beside(
                            new Thin(learned.get(key(slot, "a")), learned.get(key(slot, "b")), scale));
                }

                public static final MethodKind KIND =
                        new OwnKind("toy", "an outer product beside a weight", "beside", "in + out") {
                            public Map<String, String> settings() {
                                return Map.of("scale", "1: factor on the product, above 0");
                            }

                            Method read(Settings s) {
                                return new Toy(s.real("scale", 1, 0, false, 1000));
                            }

                            public Map<String, Object> toPeft(Method method) {
                                return Map.of("scale", ((Toy) method).scale());
                            }
                        };
            }
            """;

    @Test
    void aNewMethodIsItsFileAndOneLineAndAllLawsRunOnIt(@TempDir Path folder) throws Exception {
        try (var library = withTheMethod(folder)) {
            Class<?> laws = library.loadClass(LawsTest.class.getName());
            assertThat(laws).isNotSameAs(LawsTest.class);
            var tests = laws.getDeclaredConstructor();
            tests.setAccessible(true);
            Object law = tests.newInstance();
            call(laws, law, "load");
            var ran = new ArrayList<String>();
            for (Method test : laws.getDeclaredMethods()) {
                if (test.getAnnotation(MethodSource.class) == null) continue;
                try (var _ = scope(library)) {
                    run(test, law, folder.resolve(test.getName()));
                }
                ran.add(test.getName());
            }
            call(laws, law, "unload");
            assertThat(ran).contains("mergedEqualsUnmerged", "survivesSaveAndLoad", "saysWhatItIs");
        }
    }

    /** A scope of the library's own, as each law has one. */
    private static AutoCloseable scope(ClassLoader library) throws Exception {
        Class<?> scopes = library.loadClass(Scope.class.getName());
        return (AutoCloseable) scopes.getMethod("open").invoke(null);
    }

    private static void run(Method law, Object on, Path folder) throws Exception {
        law.setAccessible(true);
        Object[] arguments = {"toy", folder};
        try {
            law.invoke(on, Arrays.copyOf(arguments, law.getParameterCount()));
        } catch (InvocationTargetException e) {
            throw new AssertionError(
                    law.getName() + " does not hold for the new method", e.getCause());
        }
    }

    private static void call(Class<?> laws, Object on, String name) throws Exception {
        Method method = laws.getDeclaredMethod(name);
        method.setAccessible(true);
        method.invoke(on);
    }

    /** The library of this build, with the method in its registry. */
    private static URLClassLoader withTheMethod(Path folder) throws IOException {
        String registry = Files.readString(METHODS);
        String first = "List.of(\n                    ";
        assertThat(registry).contains(first);
        Path sources = Files.createDirectories(folder.resolve("sources"));
        Path out = Files.createDirectories(folder.resolve("classes"));
        Files.writeString(sources.resolve("Toy.java"), FILE);
        Files.writeString(
                sources.resolve("Methods.java"), registry.replace(first, first + "Toy.KIND, "));
        String libraries = System.getProperty("java.class.path");
        int failed =
                ToolProvider.getSystemJavaCompiler()
                        .run(
                                null,
                                null,
                                null,
                                "-proc:none",
                                "-classpath",
                                libraries,
                                "-d",
                                out.toString(),
                                sources.resolve("Toy.java").toString(),
                                sources.resolve("Methods.java").toString());
        assertThat(failed).isZero();
        var urls = new ArrayList<URL>(List.of(out.toUri().toURL()));
        for (String entry : libraries.split(File.pathSeparator)) urls.add(url(entry));
        return new OwnFirst(urls.toArray(URL[]::new));
    }

    private static URL url(String entry) throws MalformedURLException {
        return Path.of(entry).toUri().toURL();
    }

    /** Loads the project's classes anew, so that they see the new registry. */
    private static final class OwnFirst extends URLClassLoader {
        OwnFirst(URL[] urls) {
            super(urls, NewMethodTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith("dev.gyre.")) return super.loadClass(name, resolve);
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded == null ? findClass(name) : loaded;
            }
        }
    }
}

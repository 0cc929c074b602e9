package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Set;

/** A method that PEFT does not have, in the registry: its files name its settings as we do. */
abstract class OwnKind implements MethodKind {
    private final String name;
    private final String summary;
    private final String parts;
    private final String count;

    OwnKind(String name, String summary, String parts, String count) {
        this.name = name;
        this.summary = summary;
        this.parts = parts;
        this.count = count;
    }

    abstract Method read(Settings settings);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final String peftType() {
        return name.replace('-', '_').toUpperCase(Locale.ROOT);
    }

    @Override
    public final boolean inPeft() {
        return false;
    }

    @Override
    public final String summary() {
        return summary;
    }

    @Override
    public final String parts() {
        return parts;
    }

    @Override
    public final String count() {
        return count;
    }

    @Override
    public final Method of(Settings settings) {
        Method method = read(settings);
        settings.finish();
        return method;
    }

    @Override
    public final Set<String> peftKeys() {
        return settings().keySet();
    }

    @Override
    public final Method fromPeft(Tree config, Reading reading) {
        var given = new LinkedHashMap<String, Object>();
        for (String key : settings().keySet())
            config.get(key).map(Tree::plain).ifPresent(value -> given.put(key, value));
        return of(new Settings(name, given));
    }
}

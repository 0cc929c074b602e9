package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** S²FT in the registry; PEFT does not have it. */
final class S2ftKind implements MethodKind {
    private static final List<String> READING = List.of("o_proj", "down_proj");

    @Override
    public String name() {
        return "s2ft";
    }

    @Override
    public String peftType() {
        return "S2FT";
    }

    @Override
    public boolean inPeft() {
        return false;
    }

    @Override
    public String summary() {
        return "learns whole channels: columns where weights read them, rows where they write them";
    }

    @Override
    public String count() {
        return "channels * in";
    }

    @Override
    public String parts() {
        return "beside";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("channels", "16: number of channels, at most the width");
        s.put(
                "group",
                "1: channels chosen together, such as a head's; divides channels and widths");
        s.put("reading", "o_proj and down_proj: modules that read channels; the others write them");
        s.put("seed", "0: of the choice");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int channels = s.whole("channels", 16, 1);
        var s2ft =
                new S2ft(
                        channels,
                        group(s.whole("group", 1, 1), channels),
                        s.words("reading", READING),
                        s.whole("seed", 0, 0));
        s.finish();
        return s2ft;
    }

    private static int group(int group, int channels) {
        if (channels % group != 0)
            throw new UserError(
                    "method s2ft: group = " + group + " does not divide channels = " + channels);
        return group;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("channels", "group", "reading_modules", "seed", "bias");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        int channels = (int) c.wholeOr("channels", 16);
        if (channels < 1) throw c.need("channels").wrong("a whole number from 1");
        return new S2ft(
                channels,
                group((int) c.wholeOr("group", 1), channels),
                c.get("reading_modules")
                        .map(v -> v.items().stream().map(Tree::text).toList())
                        .orElse(READING),
                c.wholeOr("seed", 0));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var s2ft = (S2ft) method;
        return Map.of(
                "channels",
                s2ft.channels(),
                "group",
                s2ft.group(),
                "reading_modules",
                s2ft.reading(),
                "seed",
                s2ft.seed());
    }
}

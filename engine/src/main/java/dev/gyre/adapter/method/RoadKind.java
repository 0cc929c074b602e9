package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** RoAd in the registry: its settings, and its keys in PEFT's files. */
final class RoadKind implements MethodKind {
    @Override
    public String name() {
        return "road";
    }

    @Override
    public String peftType() {
        return "ROAD";
    }

    @Override
    public String summary() {
        return "turns and scales pairs of outputs of frozen weights";
    }

    @Override
    public String count() {
        return "out * variant";
    }

    @Override
    public String parts() {
        return "after";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("variant", "1: angles and scales a pair of outputs; 1, 2 or 4");
        s.put("group", "64: features that pairs are made in; even, divides every output width");
        return s;
    }

    @Override
    public Method of(Settings s) {
        int variant = s.whole("variant", 1, 1);
        if (variant != 1 && variant != 2 && variant != 4)
            throw new UserError("method road: variant must be 1, 2 or 4, not " + variant);
        int group = s.whole("group", 64, 2);
        if (group % 2 != 0) throw new UserError("method road: group must be even, not " + group);
        s.finish();
        return new Road(variant, group, false);
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("variant", "group_size", "init_weights");
    }

    @Override
    public Set<String> peftLacks() {
        return Set.of("bias", "exclude_modules", "layers_pattern", "layers_to_transform");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        String variant = c.textOr("variant", "road_1");
        if (!variant.matches("road_[124]")) throw c.need("variant").wrong("road_1, road_2, road_4");
        int group = (int) c.wholeOr("group_size", 64);
        if (group < 2 || group % 2 != 0) throw c.need("group_size").wrong("an even number above 0");
        return new Road(
                variant.charAt(variant.length() - 1) - '0', group, !c.boolOr("init_weights", true));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        var road = (Road) method;
        var keys = new LinkedHashMap<String, Object>();
        keys.put("variant", "road_" + road.each());
        keys.put("group_size", road.group());
        keys.put("init_weights", !road.random());
        return keys;
    }
}

package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.MethodKind;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.Map;
import java.util.Set;

/** Givens chains in the registry; PEFT does not have them. */
final class GivensKind implements MethodKind {
    @Override
    public String name() {
        return "givens";
    }

    @Override
    public String peftType() {
        return "GIVENS";
    }

    @Override
    public boolean inPeft() {
        return false;
    }

    @Override
    public String summary() {
        return "rotates the inputs of frozen weights by stages of plane rotations";
    }

    @Override
    public String count() {
        return "stages * in / 2";
    }

    @Override
    public String parts() {
        return "before";
    }

    @Override
    public Map<String, String> settings() {
        return Map.of("stages", "0: stages, of features 1, 2, 4, … apart; 0 for all that fit");
    }

    @Override
    public Method of(Settings s) {
        var givens = new Givens(stages(s.whole("stages", 0, 0)));
        s.finish();
        return givens;
    }

    private static int stages(int given) {
        if (given > 40) throw new UserError("method givens: stages must be 0 … 40, not " + given);
        return given;
    }

    @Override
    public Set<String> peftKeys() {
        return Set.of("stages");
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        return new Givens(stages((int) c.wholeOr("stages", 0)));
    }

    @Override
    public Map<String, Object> toPeft(Method method) {
        return Map.of("stages", ((Givens) method).stages());
    }
}

package dev.gyre.tensor;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;

import java.util.Objects;

/** Each test in a scope of its own, which frees its tensors. */
public final class InScope implements BeforeEachCallback, AfterEachCallback {
    private static final Namespace OURS = Namespace.create(InScope.class);

    @Override
    @SuppressWarnings("MustBeClosedChecker") // closed after the test
    public void beforeEach(ExtensionContext context) {
        context.getStore(OURS).put(Scope.class, Scope.open());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        Objects.requireNonNull(context.getStore(OURS).remove(Scope.class, Scope.class)).close();
    }
}

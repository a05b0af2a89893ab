package facepredict;

import java.util.Objects;

/**
 * Follows the faces of one camera. It gives each face a {@link Face#trackId}, and averages its answers over {@link
 * Face#trackEstimates} estimates. It keeps what it needs of the model, which may be closed. If several threads call it,
 * one goes on, and the others wait.
 */
public final class Tracker implements AutoCloseable {
    private long handle;
    private long result;

    public Tracker(Model model) {
        this(model, new TrackerOptions());
    }

    public Tracker(Model model, TrackerOptions options) {
        TrackerOptions o = Objects.requireNonNull(options, "options");
        handle = Objects.requireNonNull(model, "model").withHandle(
                m -> Native.newTracker(m, o.detectEvery, o.estimateEvery, o.memorySeconds, o.lostSeconds));
        try {
            result = Native.newResult();
        } finally {
            if (result == 0) {
                close();
            }
        }
    }

    /**
     * Takes the next frame. {@code timeMicros} counts from any start, such as a frame's getTimestamp() / 1000. It must
     * not go back.
     */
    public synchronized Prediction update(Image image, long timeMicros, Options options) {
        Objects.requireNonNull(image, "image");
        Options o = Objects.requireNonNull(options, "options");
        require();
        Native.update(handle, result, timeMicros, image.buffers(), image.numbers(), o.whole(), o.shares(), o.regions);
        return Prediction.of(result);
    }

    /** Does the same with the default options. */
    public Prediction update(Image image, long timeMicros) {
        return update(image, timeMicros, new Options());
    }

    /** Forgets all faces, for example after a jump in a video. Their numbers are not used again. */
    public synchronized void reset() {
        require();
        Native.resetTracker(handle);
    }

    /** Frees the tracker, after an update that another thread runs. It may be called twice. */
    @Override
    public synchronized void close() {
        if (handle != 0) {
            Native.freeTracker(handle);
            handle = 0;
        }
        if (result != 0) {
            Native.freeResult(result);
            result = 0;
        }
    }

    private void require() {
        if (handle == 0) {
            throw new IllegalStateException("the tracker is closed: make a new one");
        }
    }
}

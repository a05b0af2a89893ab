package facepredict;

import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * A picture in a direct buffer, read where it is from the buffer's position to its limit. The buffer must not change
 * while a prediction runs.
 */
public final class Image {
    final Format format;
    final int width;
    final int height;
    final int stride;
    final ByteBuffer pixels;
    final int rotation;
    final boolean mirrored;

    /** Rows without padding. */
    public Image(Format format, int width, int height, ByteBuffer pixels) {
        this(format, width, height, pixels, 0);
    }

    /** Rows {@code stride} bytes apart; 0: without padding. */
    public Image(Format format, int width, int height, ByteBuffer pixels, int stride) {
        this(format, width, height, pixels, stride, 0, false);
    }

    private Image(Format format, int width, int height, ByteBuffer pixels, int stride, int rotation, boolean mirrored) {
        this.format = Objects.requireNonNull(format, "format");
        Objects.requireNonNull(pixels, "pixels");
        if (!pixels.isDirect()) {
            throw new IllegalArgumentException("pixels are in a heap buffer: ByteBuffer.allocateDirect() makes one that is read in place");
        }
        if (width < 0 || height < 0 || stride < 0 || rotation < 0) {
            throw new IllegalArgumentException("negative size: " + width + "x" + height + ", stride " + stride + ", rotation " + rotation);
        }
        this.width = width;
        this.height = height;
        this.stride = stride;
        this.pixels = pixels;
        this.rotation = rotation;
        this.mirrored = mirrored;
    }

    /** The same picture, to be turned by 0, 90, 180 or 270 degrees clockwise to be upright, and then mirrored or not. */
    public Image rotated(int degrees, boolean mirrored) {
        return new Image(format, width, height, pixels, stride, degrees, mirrored);
    }
}

package facepredict;

/** Byte order of a pixel. */
public enum Format {
    GRAY(1, 1),
    RGB(2, 3),
    BGR(3, 3),
    /** Android's ARGB_8888 bitmaps (copyPixelsToBuffer). */
    RGBA(4, 4),
    BGRA(5, 4);

    final int number;
    final int bytesPerPixel;

    Format(int number, int bytesPerPixel) {
        this.number = number;
        this.bytesPerPixel = bytesPerPixel;
    }
}

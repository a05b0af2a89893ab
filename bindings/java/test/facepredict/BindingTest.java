package facepredict;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public class BindingTest {
    private static final File FACE = new File(CasesTest.FOLDER, "pictures/face.bmp");
    private static final File GENDER = new File(CasesTest.FOLDER, "untrained_gender.onnx");
    private static final Options CROPPED = new Options().cropped(true);

    private static void fails(int status, String message, ThrowingRunnable call) {
        FacePredictException error = assertThrows(FacePredictException.class, call);
        assertEquals(error.getMessage(), status, error.status());
        assertTrue(error.getMessage(), error.getMessage().contains(message));
        assertTrue(error.statusName(), error.statusName().startsWith("FACE_PREDICT_ERROR_"));
    }

    @Test
    public void aClosedModel() {
        Model model = Model.loadDefault();
        model.close();
        model.close();
        assertTrue(assertThrows(IllegalStateException.class, () -> model.predict(FACE, CROPPED)).getMessage().contains("closed"));
        assertThrows(IllegalStateException.class, model::name);
    }

    @Test
    public void modelFiles() throws Exception {
        try (Model file = Model.loadFiles(GENDER, GENDER); Model bytes = Model.loadBytes(Files.readAllBytes(GENDER.toPath()))) {
            assertTrue(file.name(), file.name().contains("untrained-gender"));
            assertEquals(file.name(), bytes.name());
        }
        fails(20, "absent ä.onnx", () -> Model.loadFiles(new File("absent ä.onnx")));
        fails(40, "", () -> Model.loadBytes(new byte[] {1, 2, 3}));
        fails(40, "", () -> Model.loadFiles(FACE));
    }

    @Test
    public void wrongPictures() {
        try (Model model = Model.loadDefault(); Model small = Model.loadDefault(new ModelOptions().maxPixels(100))) {
            ByteBuffer pixels = ByteBuffer.allocateDirect(300);
            assertTrue(assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, 10, 10, ByteBuffer.allocate(300)))
                    .getMessage().contains("allocateDirect"));
            assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, -1, 10, pixels));
            assertThrows(IllegalArgumentException.class, () -> new Image(Format.RGB, 1, 10, pixels, -3));
            assertThrows(NullPointerException.class, () -> new Image(null, 1, 10, pixels));
            assertThrows(IllegalArgumentException.class, () -> new Region(1, 2, 3, 4, new float[3]));
            assertThrows(IllegalArgumentException.class, () -> new Options().maxFaces(-1));
            assertThrows(IllegalArgumentException.class, () -> model.predict(new File("a\0b"), CROPPED));
            assertThrows(NullPointerException.class, () -> model.predict((File) null, CROPPED));
            assertThrows(NullPointerException.class, () -> model.predict(FACE, null));
            fails(4, "plane 0 has 300 bytes", () -> model.predict(new Image(Format.RGBA, 10, 10, pixels), CROPPED));
            fails(4, "plane 0 has 299 bytes", () -> model.predict(
                    new Image(Format.RGB, 10, 10, ByteBuffer.allocateDirect(300).position(1)), CROPPED));
            fails(1, "planes[0]", () -> model.predict(new Image(Format.RGB, 10, 10, ByteBuffer.allocateDirect(0)), CROPPED));
            fails(2, "45", () -> model.predict(new Image(Format.RGB, 10, 10, pixels).rotated(45, false), CROPPED));
            fails(21, "no JPEG", () -> model.predict(new byte[0], CROPPED));
            fails(21, "no JPEG", () -> model.predict(ByteBuffer.wrap(new byte[] {1, 2}), CROPPED));
            fails(22, "100", () -> small.predict(FACE, CROPPED));
            // The model still works after all this.
            assertEquals(1, model.predict(FACE, CROPPED).faces.size());
        }
    }

    @Test
    public void aBufferIsReadFromItsPosition() throws Exception {
        byte[] rgb = Files.readAllBytes(new File(CasesTest.FOLDER, "pictures/face_rgb.raw").toPath());
        ByteBuffer later = ByteBuffer.allocateDirect(rgb.length + 5).position(5).put(rgb).position(5);
        try (Model model = Model.loadDefault()) {
            Face first = model.predict(new Image(Format.RGB, 96, 108, CasesTest.direct(rgb)), CROPPED).faces.get(0);
            Face second = model.predict(new Image(Format.RGB, 96, 108, later), CROPPED).faces.get(0);
            assertEquals(first.toString(), second.toString());
            assertEquals(5, later.position());
            assertNull(first.landmarks());
            float sum = 0;
            for (float year : first.ageDistribution()) {
                sum += year;
            }
            assertEquals(1, sum, 1e-3);
            assertEquals(1, first.ageAtLeast(-5), 1e-3);
            assertEquals(0, first.ageAtLeast(Float.POSITIVE_INFINITY), 0);
        }
    }

    @Test
    public void searching() throws Exception {
        try (Model model = Model.loadDefault()) {
            // The detector's own tests check what it finds. This one checks that a search runs and gives plausible
            // faces.
            for (Face face : model.predict(FACE, new Options().minFaceSize(20).minScore(0.01f)).faces) {
                assertTrue(face.score >= 0.01f && face.landmarks().length == 10 && !Float.isNaN(face.yaw));
            }
            assertEquals(96, model.predict(FACE).width);
            assertEquals(0, model.predict(FACE, new Options().regions(List.of())).faces.size());
            fails(2, "min_score", () -> model.predict(FACE, new Options().minScore(2)));
            assertThrows(IllegalArgumentException.class, () -> new Options().minFaceSize(-1));
        }
    }

    @Test
    public void planes() {
        try (Model model = Model.loadDefault()) {
            ByteBuffer y = ByteBuffer.allocateDirect(100);
            ByteBuffer chroma = ByteBuffer.allocateDirect(50);
            ByteBuffer v = chroma.duplicate().limit(49);
            ByteBuffer u = chroma.duplicate().position(1);
            assertEquals(1, model.predict(Image.yuv420(10, 10, y, 10, u, v, 10, 2), CROPPED).faces.size());
            assertEquals(1, model.predict(Image.biplanar(Format.NV21, 10, 10, y, 10, chroma, 10), CROPPED).faces.size());
            fails(4, "plane 2 has 48 bytes", () -> model.predict(
                    Image.yuv420(10, 10, y, 10, u, chroma.duplicate().limit(48), 10, 2), CROPPED));
            fails(4, "plane 1 has 0 bytes", () -> model.predict(new Image(Format.NV21, 10, 10, y), CROPPED));
            fails(4, "plane 1 has 0 bytes", () -> model.predict(
                    Image.biplanar(Format.NV21, 10, 10, y, 10, ByteBuffer.allocateDirect(0), 10), CROPPED));
            fails(2, "stride 1", () -> model.predict(Image.biplanar(Format.NV12, 10, 10, y, 10, chroma, 4), CROPPED));
            fails(2, "chroma step", () -> model.predict(Image.yuv420(10, 10, y, 10, u, v, 10, 300), CROPPED));
            assertThrows(IllegalArgumentException.class, () -> Image.biplanar(Format.I420, 10, 10, y, 10, chroma, 10));
            assertThrows(IllegalArgumentException.class, () -> Image.yuv420(10, 10, y, 10, u, v, -10, 2));
            assertThrows(IllegalArgumentException.class, () -> Image.yuv420(10, 10, y, 10, u, ByteBuffer.allocate(50), 10, 2));
            assertThrows(NullPointerException.class, () -> Image.yuv420(10, 10, y, 10, null, v, 10, 2));
            assertThrows(NullPointerException.class, () -> new Image(Format.RGB, 10, 3, y).withYuv(null));
        }
    }

    @Test
    public void tracker() throws Exception {
        Image image = new Image(Format.RGB, 96, 108,
                CasesTest.direct(Files.readAllBytes(new File(CasesTest.FOLDER, "pictures/face_rgb.raw").toPath())));
        Options box = new Options().regions(List.of(new Region(20, 22, 56, 73)));
        Model model = Model.loadDefault();
        Tracker tracker = new Tracker(model, new TrackerOptions().estimateEvery(2));
        fails(2, "lost_seconds", () -> new Tracker(model, new TrackerOptions().lostSeconds(-1)));
        assertThrows(IllegalArgumentException.class, () -> new TrackerOptions().detectEvery(-1));
        model.close();
        assertThrows(IllegalStateException.class, () -> new Tracker(model));
        Face first = tracker.update(image, 0, box).faces.get(0);
        tracker.update(image, 33_000, box);
        Face third = tracker.update(image, 66_000, box).faces.get(0);
        assertTrue(first.trackId > 0);
        assertEquals(first.trackId, third.trackId);
        assertEquals(1, first.trackEstimates);
        assertEquals(2, third.trackEstimates);
        fails(2, "back from 66000 to 65000", () -> tracker.update(image, 65_000, box));
        tracker.reset();
        assertTrue(tracker.update(image, 1, box).faces.get(0).trackId > first.trackId);
        assertEquals(96, tracker.update(image, 2).width);
        assertThrows(NullPointerException.class, () -> tracker.update(null, 3));
        tracker.close();
        tracker.close();
        assertTrue(assertThrows(IllegalStateException.class, () -> tracker.update(image, 4)).getMessage().contains("closed"));
        assertThrows(IllegalStateException.class, tracker::reset);
    }

    @Test
    public void batch() throws Exception {
        ByteBuffer rgb = CasesTest.direct(Files.readAllBytes(new File(CasesTest.FOLDER, "pictures/face_rgb.raw").toPath()));
        Image good = new Image(Format.RGB, 96, 108, rgb);
        Image bad = new Image(Format.RGBA, 96, 108, rgb);
        List<Image> images = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            images.add(i % 3 == 1 ? bad : good);
        }
        images.add(new Image(Format.RGB, 0, 1, rgb));
        try (Model model = Model.loadDefault()) {
            List<Answer> answers = model.predictBatch(images, CROPPED, 2);
            assertEquals(41, answers.size());
            String right = model.predict(good, CROPPED).faces.toString();
            for (int i = 0; i < 40; i++) {
                Answer answer = answers.get(i);
                if (i % 3 == 1) {
                    assertTrue(answer.error().getMessage(), answer.error().getMessage().contains("plane 0 has 31104"));
                    fails(4, "31104", answer::prediction);
                } else {
                    assertNull(answer.error());
                    assertEquals(right, answer.prediction().faces.toString());
                }
            }
            assertTrue(answers.get(40).error().getMessage().contains("0x1"));
            assertTrue(model.predictBatch(List.of(), CROPPED).isEmpty());
            for (List<Region> regions : List.of(List.of(new Region(1, 1, 5, 5)), List.<Region>of())) {
                for (Answer answer : model.predictBatch(images, new Options().regions(regions), 2)) {
                    fails(2, "regions", answer::prediction);
                }
            }
            fails(2, "2000", model.predictBatch(List.of(good), CROPPED, 2000).get(0)::prediction);
            assertThrows(IllegalArgumentException.class, () -> model.predictBatch(images, CROPPED, -1));
            assertThrows(NullPointerException.class, () -> model.predictBatch(java.util.Arrays.asList(good, null), CROPPED));
        }
        Model closed = Model.loadDefault();
        closed.close();
        assertThrows(IllegalStateException.class, () -> closed.predictBatch(images, CROPPED));
    }

    @Test
    public void encodedPictures() throws Exception {
        byte[] jpeg = Files.readAllBytes(new File(CasesTest.FOLDER, "pictures/face_exif6.jpg").toPath());
        Image image = Image.encoded(jpeg);
        try (Model model = Model.loadDefault(); Tracker tracker = new Tracker(model)) {
            String right = model.predict(jpeg, CROPPED).faces.toString();
            List<Answer> answers = model.predictBatch(
                    List.of(image, Image.encoded(CasesTest.direct(jpeg)), Image.encoded(new byte[0]), image.rotated(270, false)), CROPPED, 2);
            assertEquals(right, answers.get(0).prediction().faces.toString());
            assertEquals(right, answers.get(1).prediction().faces.toString());
            fails(21, "0 bytes are no JPEG", answers.get(2)::prediction);
            assertEquals(108, answers.get(0).prediction().height);
            assertEquals(108, answers.get(3).prediction().width);
            Options box = new Options().regions(List.of(new Region(20, 22, 56, 73)));
            assertEquals(1, tracker.update(image, 0, box).faces.get(0).trackId);
            fails(21, "", () -> tracker.update(Image.encoded(new byte[] {1, 2}), 1, box));
        }
    }

    @Test
    public void regionsComeBackWithTheirIndex() {
        try (Model model = Model.loadDefault()) {
            Options boxes = new Options().regions(List.of(new Region(20, 22, 28, 36), new Region(20, 22, 56, 73)));
            List<Face> faces = model.predict(FACE, boxes).faces;
            assertEquals(1, faces.get(0).regionIndex);
            assertEquals(0, faces.get(1).regionIndex);
            assertEquals(-1, model.predict(FACE, CROPPED).faces.get(0).regionIndex);
        }
    }

    @Test
    public void whatIsInside() {
        try (Model model = Model.loadDefault()) {
            assertTrue(model.license(), model.license().contains("non-commercial research"));
            Network detector = model.network(Network.Task.DETECT);
            assertEquals("detector", detector.name);
            assertEquals(java.util.Set.of(Network.Task.DETECT), detector.tasks);
            assertTrue(detector.license.contains("WIDER FACE") && detector.inputWidth > 0);
            assertEquals(java.util.Set.of(Network.Task.AGE, Network.Task.GENDER), model.network(Network.Task.AGE).tasks);
            model.warmUp(320, 240, new Options());
            fails(2, "picture size 0x1", () -> model.warmUp(0, 1, new Options()));
        }
    }

    @Test
    public void threadsShareAModelAndCloseWaits() throws Exception {
        List<String> answers = Collections.synchronizedList(new ArrayList<>());
        List<Throwable> errors = Collections.synchronizedList(new ArrayList<>());
        Model model = Model.loadDefault();
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(() -> {
                try {
                    for (int n = 0; n < 25; n++) {
                        answers.add(model.predict(FACE, CROPPED).faces.toString());
                    }
                } catch (IllegalStateException closed) {
                    // This is expected.
                } catch (Throwable error) {
                    errors.add(error);
                }
            });
            threads.add(thread);
            thread.start();
        }
        while (answers.size() < 10) {
            Thread.sleep(1);
        }
        model.close();
        for (Thread thread : threads) {
            thread.join();
        }
        assertTrue(errors.toString(), errors.isEmpty());
        assertEquals(1, answers.stream().distinct().count());
    }
}

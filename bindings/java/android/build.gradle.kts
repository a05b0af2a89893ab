// An Android library (AAR) of the Java binding. ./README.md has the commands. It was not run here, because there is no
// Android SDK.
plugins { id("com.android.library") version "8.7.3" }

android {
    namespace = "facepredict"
    compileSdk = 35
    // With 28 or later, libraries fit pages of 16 KB, which Google Play asks for.
    ndkVersion = "28.0.13004108"
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
        ndk { abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64") }
    }
    externalNativeBuild { cmake { path = file("CMakeLists.txt") } }
    sourceSets["main"].java.srcDirs("../src")
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}
